"""How unseen rows start. Random values depend on (seed, fid, column) alone, never on who came first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monolith.table.compiling import kernel, mix
from monolith.table.drawing import GOLDEN, begin, bits_at, normal, salt, seed_of, unit
from monolith.table.initializer_config import (
    FARTHEST,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    XavierNormal,
    XavierUniform,
)

if TYPE_CHECKING:
    from monolith.core.arrays import Fids, Floats, Indices, Rows
    from monolith.table.config import Segment
    from monolith.table.layout import Place

TRUNCATED = 2.0  # standard deviations


@kernel
def stamp(rows: Rows, numbers: Indices, whole: Floats) -> None:
    """Write the row `whole` to every one of `numbers`."""
    for i in range(len(numbers)):
        for j in range(len(whole)):
            rows[numbers[i], j] = whole[j]


def draw(rows: Rows, numbers: Indices, fids: Fids, segment: tuple[Segment, Place], seed: int) -> None:
    """Draw the values of a segment that starts at random; rows `numbers` belong to `fids`."""
    of, place = segment
    where = (rows, numbers, fids, place, seed_of(seed))
    match of.initializer:
        case RandomUniform(minval=low, maxval=high):
            _uniform(*where, _bounds(low, high))
        case XavierUniform(gain=gain):
            edge = gain * math.sqrt(6 / (1 + of.dim))
            _uniform(*where, _bounds(-edge, edge))
        case RandomNormal(mean=mean, std=std):
            _normal(*where, (mean, std, FARTHEST))
        case TruncatedNormal(mean=mean, std=std):
            _normal(*where, (mean, std, TRUNCATED))
        case XavierNormal(gain=gain):
            _normal(*where, (0.0, gain * math.sqrt(2 / (1 + of.dim)), FARTHEST))


def _bounds(minval: float, maxval: float) -> tuple[np.float32, np.float32, np.float32]:
    """The lower bound, the span, and the highest value that is below the upper bound."""
    low, high = np.float32(minval), np.float32(maxval)
    return low, high - low, max(np.nextafter(high, low), low)


@kernel
def _uniform(
    rows: Rows,
    numbers: Indices,
    fids: Fids,
    place: Place,
    seed: np.uint64,
    bounds: tuple[np.float32, np.float32, np.float32],
) -> None:
    """Scaling rounds, and may round up to the upper bound itself: such a value becomes the one below it."""
    low, span, below_high = bounds
    first, _, dim = place
    salted = salt(seed)
    for i in range(len(numbers)):
        start = begin(salted, fids[i])
        for j in range(first, first + dim):
            rows[numbers[i], j] = min(low + span * unit(bits_at(start, j)), below_high)


@kernel
def _normal(
    rows: Rows,
    numbers: Indices,
    fids: Fids,
    place: Place,
    seed: np.uint64,
    shape: tuple[float, float, float],
) -> None:
    """Values of mean + std · z; a z beyond `farthest` is drawn again."""
    mean, std, farthest = shape
    first, _, dim = place
    salted = salt(seed)
    for i in range(len(numbers)):
        start = begin(salted, fids[i])
        for j in range(first, first + dim):
            bits = bits_at(start, j)
            z = normal(bits)
            while abs(z) > farthest:
                bits = mix(bits + np.uint64(GOLDEN))
                z = normal(bits)
            rows[numbers[i], j] = np.float32(mean + std * z)
