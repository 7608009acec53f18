"""The two arrays that everything is made of, and the checks that guard them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monolith.core.errors import DimensionMismatch

Fids: TypeAlias = NDArray[np.int64]  # (n,)
Rows: TypeAlias = NDArray[np.float32]  # (n, dim)
Splits: TypeAlias = NDArray[np.int64]  # (B + 1,), ascending from 0
Flags: TypeAlias = NDArray[np.bool_]  # (n,)
Floats: TypeAlias = NDArray[np.float32]
Indices: TypeAlias = NDArray[np.int64]  # (n,), positions in another array


def as_fids(values: object) -> Fids:
    """`values` as a contiguous (n,) int64 array, without a copy where it already is one."""
    return np.ascontiguousarray(values, dtype=np.int64).reshape(-1)


def splits_of(lengths: ArrayLike) -> Splits:
    """The row splits, (B + 1,), of B rows that hold so many ids each."""
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)))


def as_rows(values: object, count: int, dim: int) -> Rows:
    """`values` as a contiguous (count, dim) float32 array.

    Raises:
        DimensionMismatch: the number of values is not count * dim.
    """
    rows = np.ascontiguousarray(values, dtype=np.float32)
    if rows.size != count * dim:
        raise DimensionMismatch(count * dim, rows.size, what=f"{count} rows of {dim} values")
    return rows.reshape(count, dim)
