"""The two arrays that everything is made of, and the checks that guard them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monolith.core.errors import ConfigError, DimensionMismatch

Fids: TypeAlias = NDArray[np.int64]  # (n,)
Rows: TypeAlias = NDArray[np.float32]  # (n, dim)
Splits: TypeAlias = NDArray[np.int64]  # (B + 1,), ascending from 0
Flags: TypeAlias = NDArray[np.bool_]  # (n,)
Floats: TypeAlias = NDArray[np.float32]
Indices: TypeAlias = NDArray[np.int64]  # (n,), positions in another array

LAST_SECOND = 2**32 - 1  # since 1970 that a time can tell, in 2106


def as_fids(values: object) -> Fids:
    """`values` as a contiguous (n,) int64 array, without a copy where it already is one.

    Unsigned numbers keep their bits.

    Raises:
        ConfigError: they are no whole numbers, or some need more than 64 bits.
    """
    return whole_numbers(values, "fids").reshape(-1)


def whole_numbers(values: object, what: str) -> NDArray[np.int64]:
    """`values` as a contiguous int64 array; `what` they are stands in the error, which is as of `as_fids`."""
    return np.ascontiguousarray(_of_kind(values, "iu", f"{what} of {{}}: must be whole numbers"), np.int64)


def _of_kind(values: object, kinds: str, said: str) -> NDArray[np.generic]:
    """An array of `values`, refused unless its dtype is of one of `kinds`; of nothing any will do."""
    try:
        held: NDArray[np.generic] = np.asarray(values)
    except ValueError:
        raise ConfigError([said.format("lists of several lengths")]) from None
    if held.dtype.kind not in kinds and held.size:
        raise ConfigError([said.format(held.dtype)])
    return held


def splits_of(lengths: ArrayLike) -> Splits:
    """The row splits, (B + 1,), of B rows that hold so many ids each."""
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)))


def as_rows(values: object, count: int, dim: int) -> Rows:
    """`values` as a contiguous (count, dim) float32 array.

    Raises:
        DimensionMismatch: the number of values is not count * dim.
        ConfigError: they are no numbers.
    """
    numbers = _of_kind(values, "fiu", f"{count} rows of {dim} values of {{}}: must be numbers")
    with np.errstate(over="ignore"):  # it becomes infinite, which is judged elsewhere
        rows = np.ascontiguousarray(numbers, np.float32)
    if rows.size != count * dim:
        raise DimensionMismatch(count * dim, rows.size, what=f"{count} rows of {dim} values")
    return rows.reshape(count, dim)


def as_matrix(values: object) -> Rows:
    """`values` as a float32 array of as many rows, and as wide ones, as they have.

    Raises:
        ConfigError: they are not (n, dim), or no numbers.
    """
    rows = _of_kind(values, "fiu", "rows of {}: must be numbers")
    if rows.ndim != 2:
        raise ConfigError([f"rows of shape {rows.shape}: must be (n, dim)"])
    return np.asarray(rows, np.float32)
