"""How unseen rows start. Random values depend on (seed, fid, column) alone, never on who came first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.table.compiling import kernel, mix
from monolith.table.config import RandomUniform

if TYPE_CHECKING:
    from monolith.core.arrays import Fids, Floats, Indices, Rows
    from monolith.table.config import Segment
    from monolith.table.layout import Place


@kernel
def stamp(rows: Rows, numbers: Indices, whole: Floats) -> None:
    """Write the row `whole` to every one of `numbers`."""
    for i in range(len(numbers)):
        for j in range(len(whole)):
            rows[numbers[i], j] = whole[j]


def draw(rows: Rows, numbers: Indices, fids: Fids, segment: tuple[Segment, Place], seed: int) -> None:
    """Draw the values of a segment that starts at random; rows `numbers` belong to `fids`."""
    initializer, place = segment[0].initializer, segment[1]
    if isinstance(initializer, RandomUniform):
        low, high = np.float32(initializer.minval), np.float32(initializer.maxval)
        span, below_high = high - low, max(np.nextafter(high, low), low)
        _uniform(rows, numbers, fids, place, np.uint64(seed & (2**64 - 1)), (low, span, below_high))


@kernel
def _uniform(
    rows: Rows,
    numbers: Indices,
    fids: Fids,
    place: Place,
    seed: np.uint64,
    bounds: tuple[np.float32, np.float32, np.float32],
) -> None:
    """SplitMix64 (Steele, Lea, Flood 2014), started at a hash of seed and fid and read at each column.

    Scaling rounds, and may round up to the upper bound itself: such a value becomes the one below it.
    """
    low, span, below_high = bounds
    first, _, dim = place
    salt = mix(seed + np.uint64(0x9E3779B97F4A7C15))
    for i in range(len(numbers)):
        start = mix(np.uint64(fids[i]) ^ salt)
        for j in range(first, first + dim):
            bits = mix(start + (np.uint64(j) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15))
            unit = np.float32(bits >> np.uint64(40)) * np.float32(2.0**-24)
            rows[numbers[i], j] = min(low + span * unit, below_high)
