"""One optimizer step as it is asked for, judged before anything changes."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from monolith.config.bad_gradients import BadGradients
from monolith.core.arrays import as_fids, as_rows
from monolith.core.errors import ConfigError, DimensionMismatch, GradientNotFinite
from monolith.table.compiling import given, kernel
from monolith.table.fields import FLOAT32_MAX, INT64_MAX
from monolith.table.occurrences import counts_of, times_of
from monolith.table.optimizer_config import own_rate, squares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monolith.core.arrays import Fids, Flags, Indices, Rows
    from monolith.table.config import TableConfig
    from monolith.table.rows import Counts, Times

CLIPPED = 1000.0  # what an infinite gradient counts as: upstream's limit for the norm of all of them
SQUARED = np.float32(2.0**56)  # from here on float32 soon cannot hold the sum of squares, and makes it NaN
_SIGNLESS = 0x7FFFFFFF  # bits of a float32; they are in the order of what they stand for, and then NaN


@dataclass(frozen=True, slots=True)
class Step:
    """An optimizer step for each of n `fids`; one that occurs twice takes two steps, in order.

    `learning_rates` holds one a segment, or one for all; without any, the optimizers' own are used. The
    global `step` is for these, for optimizers and for compressors that look at it. `latest` holds the
    values (n, dim) that the gradients were computed with, for `Dc`; None: those that are there now.

    `counts` say how often each id occurred, for tables with an occurrence threshold; None: once each.
    `times` say when, in seconds since 1970, one for each or one for all; None or 0: nobody knows.
    """

    fids: Fids
    grads: Rows  # (n, dim)
    learning_rates: Sequence[float] = ()
    step: int = 0
    latest: Rows | None = None
    counts: Counts | None = None
    times: Times | int | None = None
    not_finite: Fids | None = None  # of a judged step: those whose gradients were skipped or clipped


def judged(asked: Step, config: TableConfig, bad: BadGradients, *, of: str = "a table") -> Step:
    """`asked` as kernels take it, with a learning rate for each segment. `of` names the table in errors.

    Raises:
        DimensionMismatch: gradients or latest values are not n * dim, or the number of rates does not fit.
        ConfigError: rates are no numbers, or one is negative or not finite, the step is negative, a count is
            below 1, or a time is before 1970 or after 2106.
        GradientNotFinite: a gradient is NaN or infinite, or as good as that, and `bad` is to refuse it.
    """
    at = step_of(asked.step, of)
    fids = given(as_fids(asked.fids))
    grads = given(as_rows(asked.grads, len(fids), config.dim))
    latest = None if asked.latest is None else given(as_rows(asked.latest, len(fids), config.dim))
    counts, times = counts_of(asked.counts, fids, of), times_of(asked.times, fids, of)
    step = Step(fids, grads, _rates(asked, config, of), at, latest, counts, times)
    squaring = any(squares(s.optimizer) for s in config.segments)
    return _sifted(step, SQUARED if squaring else np.float32(np.inf), bad, of)


def step_of(told: int, of: str) -> int:
    """The global step as it stands in a step. `of` names the table in errors.

    Raises:
        ConfigError: it is no whole number, or less than 0, or more than 64 bits hold.
    """
    if not isinstance(told, int | np.integer) or not 0 <= told <= INT64_MAX:
        raise ConfigError([f"step {told!r} of {of}: must be a whole number >= 0 that int64 can hold"])
    return int(told)


def rates_of(told: Sequence[float], of: str) -> tuple[float, ...]:
    """Learning rates as they stand in a step. `of` names the table in errors.

    Raises:
        ConfigError: they are no sequence of numbers.
    """
    try:
        return tuple(float(rate + 0.0) for rate in told)  # a sum, since float alone reads words too
    except TypeError as error:
        said = f"learning rates {reprlib.repr(told)} of {of}: must be a sequence of numbers, such as [0.1]"
        raise ConfigError([said]) from error


def _rates(asked: Step, config: TableConfig, of: str) -> tuple[float, ...]:
    segments = config.segments
    rates = rates_of(asked.learning_rates, of) or tuple(own_rate(s.optimizer, asked.step) for s in segments)
    if len(rates) == 1:
        rates *= len(segments)
    if len(rates) != len(segments):
        raise DimensionMismatch(len(segments), len(rates), what=f"learning rates of {of}")
    for rate in rates:
        if not 0 <= rate <= FLOAT32_MAX:
            raise ConfigError([f"learning rate {rate} of {of}: must be a number >= 0 that float32 can hold"])
    return rates


def _sifted(step: Step, bound: np.float32, bad: BadGradients, of: str) -> Step:
    if _largest(step.grads.view(np.uint32).reshape(-1)) < bound.view(np.uint32):
        return step
    numbers = np.abs(step.grads) < bound
    sound = np.logical_and.reduce(numbers, axis=1)
    if bad is BadGradients.REFUSE:
        position = int(sound.argmin())
        raise _refusal(step, position, int(numbers[position].argmin()), of)
    told = replace(step, not_finite=step.fids[~sound])
    if bad is BadGradients.SKIP:
        return only(told, sound)
    clipped = np.nan_to_num(np.sign(step.grads)) * np.float32(CLIPPED)
    return replace(told, grads=given(np.where(numbers, step.grads, clipped)))


def _refusal(step: Step, position: int, column: int, of: str) -> GradientNotFinite:
    return GradientNotFinite(int(step.fids[position]), float(step.grads[position, column]), column, of)


def only(step: Step, kept: Flags | Indices) -> Step:
    """The part of a judged step that is about some of its fids: `kept` (n,), or at these positions."""
    arrays = {name: getattr(step, name) for name in ("fids", "grads", "latest", "counts", "times")}
    parts: dict[str, Any] = {name: given(a[kept]) for name, a in arrays.items() if a is not None}
    return replace(step, **parts)


@kernel
def _largest(bits: NDArray[np.uint32]) -> np.uint32:
    """The largest magnitude, as bits: those of NaN and of infinity are above those of all numbers."""
    largest = np.uint32(0)
    for i in range(np.uint64(len(bits))):
        largest = max(largest, bits[i] & np.uint32(_SIGNLESS))
    return largest
