"""Where everything lies in a row: all values first, then each segment's optimizer state, state by state.

    | values of segment 0 | values of segment 1 | ... | state of segment 0 | state of segment 1 | ...

A row's state in floats, for a segment of D values:

    Sgd      nothing
    Adagrad  n[D]                     sum of squared gradients
    Adam     m[D]  v[D]  p1  p2       moments, and the powers of beta1 and beta2, one of each a row
    Ftrl     n[D]  z[D]               sum of squared gradients, and what the weight is computed from
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from monolith.table.config import Adagrad, Adam, Constants, Ftrl, Optimizer, Segment, Sgd, TableConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monolith.core.arrays import Floats


# A segment's columns in a row: the first of its values, the first of its optimizer state, and its dim.
# Unsigned, for numba's loops over signed indices are not vectorised.
Place: TypeAlias = tuple[np.uint64, np.uint64, np.uint64]


def initial_state(optimizer: Optimizer, dim: int) -> Floats:
    """What an optimizer's state starts as, for `dim` values."""
    match optimizer:
        case Sgd():
            state = np.empty(0)
        case Adagrad():
            state = np.full(dim, optimizer.initial_accumulator_value)
        case Adam():
            state = np.concatenate([np.zeros(2 * dim), [optimizer.beta1, optimizer.beta2]])
        case Ftrl():
            state = np.concatenate([np.full(dim, optimizer.initial_accumulator_value), np.zeros(dim)])
    return state.astype(np.float32)


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
    return segment.initializer.constant if isinstance(segment.initializer, Constants) else 0.0
