"""Arrays to message fields and back. The only place that knows their encoding.

Floats and ids are little-endian, one after the other, in `bytes` fields: one copy for a whole array, where
a repeated field costs a step per element. Arrays read from a message are views of its bytes: read-only.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Flags, Floats, Rows, as_rows
from monolith.core.errors import DimensionMismatch

MOST_WORD = int(np.iinfo(np.uint32).max)


class HasFids(Protocol):
    """A message whose ids may come as varints, as the reference sends them, or packed."""

    fids_le: bytes

    @property
    def fids(self) -> MutableSequence[int]: ...


def put_fids(message: HasFids, fids: Fids, *, packed: bool) -> None:
    """Put `fids` into `message`: `packed` only for a peer that reads it, otherwise one by one."""
    if packed:
        message.fids_le = fids.astype("<i8", copy=False).tobytes()
    else:
        message.fids.extend(fids)


def fids_of(message: HasFids) -> Fids:
    """The ids of `message`, whichever way they came.

    Raises:
        DimensionMismatch: packed ids end in the middle of one.
    """
    if message.fids_le:
        return _numbers(message.fids_le, "<i8", "bytes of fids_le").astype(np.int64, copy=False)
    return np.array(message.fids, dtype=np.int64)


def float_buffer(values: Floats) -> memoryview:
    """Float32 values as a field holds them, row by row, without a copy where they are so already."""
    return np.ascontiguousarray(values, "<f4").data


def float_bytes(values: Floats) -> bytes:
    """As `float_buffer`, copied."""
    return float_buffer(values).tobytes()


def floats_of(field: bytes, what: str) -> Floats:
    """The floats of a field, (n,).

    Raises:
        DimensionMismatch: the field ends in the middle of one.
    """
    return _numbers(field, "<f4", f"bytes of {what}").astype(np.float32, copy=False)


def rows_of(field: bytes, count: int, dim: int, what: str) -> Rows:
    """The floats of a field as (count, dim).

    Raises:
        DimensionMismatch: there are more or fewer.
    """
    return as_rows(floats_of(field, what), count, dim)


def word_bytes(values: NDArray[np.integer]) -> bytes:
    """Whole numbers >= 0 as uint32; those beyond are the highest it has."""
    words = np.minimum(values, MOST_WORD).astype("<u4", copy=False)
    return bytes(words.data)


def words_of(field: bytes, count: int, what: str) -> NDArray[np.uint32]:
    """The numbers of a field, (count,).

    Raises:
        DimensionMismatch: there are more or fewer.
    """
    words = _numbers(field, "<u4", f"bytes of {what}").astype(np.uint32, copy=False)
    if len(words) != count:
        raise DimensionMismatch(count, len(words), what=what)
    return words


def flag_bytes(flags: Flags) -> bytes:
    """Booleans as a packed `repeated bool` holds them: one byte each."""
    return flags.astype(np.bool_, copy=False).tobytes()


def flags_of(field: bytes) -> Flags:
    """The booleans of a field, (n,)."""
    return np.frombuffer(field, np.uint8).astype(np.bool_)


def _numbers(field: bytes, dtype: str, what: str) -> NDArray[np.generic]:
    width = np.dtype(dtype).itemsize
    if over := len(field) % width:
        raise DimensionMismatch(len(field) - over, len(field), what=what)
    return np.frombuffer(field, dtype)
