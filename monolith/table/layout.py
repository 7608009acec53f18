"""Where everything lies in a row: all values first, then each segment's optimizer state, part by part.

| values of segment 0 | values of segment 1 | ... | state of segment 0 | state of segment 1 | ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from monolith.table.config import Constants, Ones, Segment, TableConfig
from monolith.table.optimizer_config import (
    Adadelta,
    Adagrad,
    Adam,
    Amsgrad,
    BatchSoftmax,
    DynamicWdAdagrad,
    Ftrl,
    GroupAdaGrad,
    GroupFtrl,
    Momentum,
    MovingAverage,
    Optimizer,
    Plain,
    Rmsprop,
    RmspropV2,
    Sgd,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monolith.core.arrays import Floats


# A segment's columns in a row: the first of its values, the first of its optimizer state, and its dim.
# Unsigned, for numba's loops over signed indices are not vectorised.
Place: TypeAlias = tuple[np.uint64, np.uint64, np.uint64]


class Part(NamedTuple):
    """One thing that an optimizer keeps, named as in upstream's dumps: float32, all alike at first."""

    name: str
    starts_at: str | float = 0.0  # the optimizer's field, or a number
    of: int = 0  # so many numbers a segment; 0: one for each of its values

    def initial(self, optimizer: Plain, dim: int) -> Floats:
        start = getattr(optimizer, self.starts_at) if isinstance(self.starts_at, str) else self.starts_at
        return np.full(self.of or dim, start, np.float32)


_MOMENTS = (Part("m"), Part("v"))
_POWERS = (Part("beta1_power", "beta1", of=1), Part("beta2_power", "beta2", of=1))
_SQUARES = Part("norm", "initial_accumulator_value")
PARTS: dict[type[Plain], tuple[Part, ...]] = {
    Sgd: (),
    Momentum: (Part("n"),),
    MovingAverage: (),
    BatchSoftmax: (Part("global_step", of=2),),
    Adagrad: (_SQUARES,),
    DynamicWdAdagrad: (_SQUARES,),
    GroupAdaGrad: (Part("grad_square_sum", "initial_accumulator_value", of=1),),
    Adadelta: (Part("accum"), Part("accum_update")),
    Rmsprop: (Part("n"),),
    RmspropV2: (Part("n"),),
    Adam: (*_MOMENTS, *_POWERS),
    Amsgrad: (*_MOMENTS, Part("vhat"), *_POWERS),
    Ftrl: (_SQUARES, Part("zero")),
    GroupFtrl: (_SQUARES, Part("zero")),
}


def initial_state(optimizer: Optimizer, dim: int) -> Floats:
    """What an optimizer's state starts as, for `dim` values."""
    kept = plain(optimizer)
    parts = [part.initial(kept, dim) for part in PARTS[type(kept)]]
    return np.concatenate([np.empty(0, np.float32), *parts])


def slot_dim(config: TableConfig) -> int:
    """Floats of optimizer state in a row."""
    return sum(len(initial_state(s.optimizer, s.dim)) for s in config.segments)


def unseen_row(config: TableConfig) -> Floats:
    """A whole row (dim + slot_dim,) as it starts, but for the values that are drawn at random."""
    values = [np.full(s.dim, _constant(s), np.float32) for s in config.segments]
    return np.concatenate(values + [initial_state(s.optimizer, s.dim) for s in config.segments])


def places(config: TableConfig) -> Iterator[tuple[Segment, Place]]:
    """Each segment with its columns, in order."""
    value, state = 0, config.dim
    for segment in config.segments:
        yield segment, (np.uint64(value), np.uint64(state), np.uint64(segment.dim))
        value += segment.dim
        state += len(initial_state(segment.optimizer, segment.dim))


def _constant(segment: Segment) -> float:
    match segment.initializer:
        case Constants(constant=constant):
            return constant
        case Ones():
            return 1.0
    return 0.0
