"""One optimizer step as it is asked for, judged before anything changes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from monolith.config.bad_gradients import BadGradients
from monolith.core.arrays import as_fids, as_rows
from monolith.core.errors import ConfigError, DimensionMismatch, GradientNotFinite
from monolith.table.compiling import given, kernel
from monolith.table.optimizer_config import own_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monolith.core.arrays import Fids, Flags, Rows
    from monolith.table.config import TableConfig

CLIPPED = 1000.0  # what an infinite gradient counts as: upstream's limit for the norm of all of them
_SIGNLESS, _INFINITE = 0x7FFFFFFF, 0x7F800000  # bits of a float32; what is not finite is no less


@dataclass(frozen=True, slots=True)
class Step:
    """An optimizer step for each of n `fids`; one that occurs twice takes two steps, in order.

    `learning_rates` holds one a segment, or one for all; without any, the optimizers' own are used. The
    global `step` is for these, for optimizers and for compressors that look at it. `latest` holds the
    values (n, dim) that the gradients were computed with, for `Dc`; None: those that are there now.
    """

    fids: Fids
    grads: Rows  # (n, dim)
    learning_rates: Sequence[float] = ()
    step: int = 0
    latest: Rows | None = None


def judged(asked: Step, config: TableConfig, bad: BadGradients, *, of: str = "a table") -> Step:
    """`asked` as kernels take it, with a learning rate for each segment. `of` names the table in errors.

    Raises:
        DimensionMismatch: gradients or latest values are not n * dim, or the number of rates does not fit.
        ConfigError: a rate is negative or not finite, or the step is negative.
        GradientNotFinite: a gradient is NaN or infinite, and `bad` is to refuse that.
    """
    if asked.step < 0:
        raise ConfigError([f"step {asked.step} of {of}: must be >= 0"])
    fids = given(as_fids(asked.fids))
    grads = given(as_rows(asked.grads, len(fids), config.dim))
    latest = None if asked.latest is None else given(as_rows(asked.latest, len(fids), config.dim))
    return _sifted(Step(fids, grads, _rates(asked, config, of), asked.step, latest), bad, of)


def _rates(asked: Step, config: TableConfig, of: str) -> tuple[float, ...]:
    segments = config.segments
    rates = tuple(asked.learning_rates) or tuple(own_rate(s.optimizer, asked.step) for s in segments)
    if len(rates) == 1:
        rates *= len(segments)
    if len(rates) != len(segments):
        raise DimensionMismatch(len(segments), len(rates), what=f"learning rates of {of}")
    for rate in rates:
        if not 0 <= rate < math.inf:
            raise ConfigError([f"learning rate {rate} of {of}: must be a finite number >= 0"])
    return rates


def _sifted(step: Step, bad: BadGradients, of: str) -> Step:
    if _largest(step.grads.view(np.uint32).reshape(-1)) < _INFINITE:
        return step
    if bad is BadGradients.CLIP:
        grads = np.nan_to_num(step.grads, nan=0.0, posinf=CLIPPED, neginf=-CLIPPED)
        return replace(step, grads=given(grads))
    sound = np.logical_and.reduce(np.isfinite(step.grads), axis=1)
    if bad is BadGradients.REFUSE:
        raise _refusal(step, int(sound.argmin()), of)
    return _only(step, sound)


def _refusal(step: Step, position: int, of: str) -> GradientNotFinite:
    column = int(np.isfinite(step.grads[position]).argmin())
    return GradientNotFinite(int(step.fids[position]), float(step.grads[position, column]), column, of)


def _only(step: Step, kept: Flags) -> Step:
    latest = None if step.latest is None else given(step.latest[kept])
    return replace(step, fids=given(step.fids[kept]), grads=given(step.grads[kept]), latest=latest)


@kernel
def _largest(bits: NDArray[np.uint32]) -> np.uint32:
    """The largest magnitude, as bits: those of NaN and of infinity are above those of all numbers."""
    largest = np.uint32(0)
    for i in range(np.uint64(len(bits))):
        largest = max(largest, bits[i] & np.uint32(_SIGNLESS))
    return largest
