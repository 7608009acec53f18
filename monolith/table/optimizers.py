"""Which formula an optimizer is, what it is told, and what the wrappers do around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from monolith.table.kernels import adaptive, descent, moments, proximal, writing
from monolith.table.optimizer_config import (
    Adadelta,
    Adagrad,
    Adam,
    Amsgrad,
    BatchSoftmax,
    Dc,
    DynamicWdAdagrad,
    Ftrl,
    GroupAdaGrad,
    GroupFtrl,
    Momentum,
    MovingAverage,
    Plain,
    Rmsprop,
    RmspropV2,
    Sgd,
    plain,
    rounds,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from monolith.core.arrays import Rows
    from monolith.table.compiling import Formula
    from monolith.table.config import Segment
    from monolith.table.layout import Place


class Told(NamedTuple):
    """A formula, and the optimizer's fields that it is told after the learning rate, in its order."""

    formula: Formula
    fields: tuple[str, ...] = ()


_BETAS = ("beta1", "beta2", "epsilon", "weight_decay_factor", "use_nesterov")
_LEADER = ("beta", "l1_regularization_strength", "l2_regularization_strength")
_RMS = ("momentum", "weight_decay_factor")
FORMULAS: dict[type[Plain], Told] = {
    Sgd: Told(descent.sgd),
    Momentum: Told(descent.momentum, ("momentum", "weight_decay_factor", "use_nesterov")),
    MovingAverage: Told(descent.moving_average, ("momentum",)),
    BatchSoftmax: Told(descent.batch_softmax),
    Adagrad: Told(adaptive.adagrad, ("weight_decay_factor",)),
    DynamicWdAdagrad: Told(adaptive.dynamic_wd_adagrad, ("weight_decay_factor", "decouple_weight_decay")),
    GroupAdaGrad: Told(proximal.group_adagrad, ("beta", "l2_regularization_strength", "weight_decay_factor")),
    Adadelta: Told(adaptive.adadelta, ("averaging_ratio", "epsilon", "weight_decay_factor")),
    Rmsprop: Told(adaptive.rmsprop, _RMS),
    RmspropV2: Told(adaptive.rmsprop_v2, _RMS),
    Adam: Told(moments.adam, _BETAS),
    Amsgrad: Told(moments.amsgrad, _BETAS),
    Ftrl: Told(proximal.ftrl, _LEADER),
    GroupFtrl: Told(proximal.group_ftrl, _LEADER),
}


WORDS = 8  # that a formula may be told
STEP = 1  # where BatchSoftmax, which has no fields, is told the global step


class Plan:
    """What happens to each row in a step, in order: which formula, on which columns, and what it is told."""

    def __init__(self, segments: Sequence[tuple[Segment, Place]]) -> None:
        lines = [line for n, (segment, place) in enumerate(segments) for line in _lines(n, segment, place)]
        self.calls = np.array([(line.formula.address, *line.place) for line in lines], np.int64)
        self._fixed = np.zeros((len(lines), WORDS))
        for told, line in zip(self._fixed, lines, strict=True):
            told[1 : 1 + len(line.settings)] = line.settings
        self._segment = np.array([line.segment for line in lines])
        self._counts_steps = np.array([line.formula is descent.batch_softmax for line in lines])
        self._last: tuple[object, NDArray[np.float64]] = (
            None,
            self._fixed,
        )  # most steps are told as the last

    def told(self, learning_rates: Sequence[float], step: int) -> NDArray[np.float64]:
        """What the formulas are told in a `step` with a rate for each segment, (lines, WORDS)."""
        key = (tuple(learning_rates), step if self._counts_steps.any() else 0)
        known, told = self._last
        if key != known:
            told = self._fixed.copy()
            told[:, 0] = np.asarray(learning_rates)[self._segment]
            told[self._counts_steps, STEP] = step
            self._last = (key, told)
        return told


class _Line(NamedTuple):
    formula: Formula
    segment: int
    place: Place
    settings: tuple[float, ...]


def _lines(number: int, segment: Segment, place: Place) -> Iterator[_Line]:
    kept = plain(segment.optimizer)
    formula, fields = FORMULAS[type(kept)]
    yield _Line(formula, number, place, tuple(float(getattr(kept, field)) for field in fields))
    if rounds(segment.optimizer):
        yield _Line(writing.round_to_half, number, place, (float(place[0]),))


def compensated(optimizer: Dc, values: Rows, grads: Rows, latest: Rows) -> Rows:
    """Delay compensation (Zheng and others 2017): g + λ · g² · (w - latest).

    `values` are the weights now, `latest` those that the gradients were computed with. A row that occurs
    twice has the same w both times: the one before this step.
    """
    squared: Rows = np.float32(optimizer.lambda_) * grads * grads
    return grads + squared * (values - latest)
