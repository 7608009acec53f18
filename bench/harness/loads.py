"""Which rows are asked for: ids, and batches of row numbers, the same for every contender and every run."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from harness.figures import Load

IDS = 1 << 21  # asked for in one pass: 128 MiB of rows of 16, which no cache keeps for the next
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # odd, so multiplying by it keeps numbers distinct
EXPONENT = 1.05


def fids(rows: int) -> np.ndarray:
    """Distinct ids all over the 64 bits, in no order that a dense table could profit from."""
    return (np.arange(1, rows + 1, dtype=np.uint64) * GOLDEN).view(np.int64)


def batches(load: Load, ids: int = IDS) -> np.ndarray:
    """`ids` row numbers (batches, batch), uniform or of frequency rank ** -1.05, popular rows anywhere."""
    shape = (max(4, ids // load.batch), load.batch)
    random = np.random.default_rng(0)
    if load.skew == "uniform":
        return random.integers(0, load.rows, shape)
    chance = _zipf(load.rows)
    places = random.permutation(load.rows)
    return places[np.searchsorted(chance, random.random(shape))]


@lru_cache(maxsize=1)
def _zipf(rows: int) -> np.ndarray:
    chance = (np.arange(1, rows + 1) ** -EXPONENT).cumsum()
    shares: np.ndarray = chance / chance[-1]
    return shares
