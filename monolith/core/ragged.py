"""What row splits say, written out row by row: masks and row numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monolith.core.arrays import Indices, Splits
from monolith.core.errors import DataError


def gen_seq_mask(
    row_splits: ArrayLike, max_len: int, dtype: type[np.integer[Any]] = np.int32
) -> NDArray[Any]:
    """(B, max_len) of `dtype`: 1 where row i has an element j, else 0. What is beyond `max_len` is cut off.

    Raises:
        DataError: `row_splits` is empty.
    """
    lengths = np.diff(_splits(row_splits))
    return (np.arange(max_len) < lengths[:, None]).astype(dtype)


def fused_value_rowids(row_splits: ArrayLike) -> Indices:
    """The row of each value, (n,): [0, 0, 1, 3] gives [1, 2, 2].

    Raises:
        DataError: `row_splits` is empty, or falls.
    """
    splits = _splits(row_splits)
    lengths = np.diff(splits)
    if (falls := np.flatnonzero(lengths < 0)).size:
        row = falls[0]
        start, end = splits[row : row + 2]
        raise DataError(f"row_splits must be non-decreasing; row {row} has start={start} > end={end}")
    return np.repeat(np.arange(len(lengths)), lengths)


def _splits(values: ArrayLike) -> Splits:
    splits = np.asarray(values, np.int64)
    if not splits.size:
        raise DataError("row_splits must be non-empty (batch+1)")
    return splits
