"""Columns written as protobuf, all rows in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Splits
from monolith.wire.fields import Octets
from monolith.wire.kernel import inlined, kernel

_HEADERS = 3 * (1 + 5)  # tag and length of the row, the list and its values: at most so many bytes a row
_LENGTH = 2  # wire type of what has a length


def length_delimited(number: int, *parts: bytes) -> bytes:
    """Field `number` that holds the bytes of `parts`."""
    return b"".join((_varint(number << 3 | _LENGTH), _varint(sum(map(len, parts))), *parts))


def features(kind: int, values: NDArray[Any], row_splits: Splits) -> bytes:
    """The `feature` fields of a NamedFeatureList, one per row, each a list of fixed-size numbers.

    `kind` is the field of Feature that holds them (see `wire.scan`). A row without values holds nothing.
    """
    raw = np.ascontiguousarray(values).view(np.uint8)
    out = np.empty(len(raw) + _HEADERS * (len(row_splits) - 1), np.uint8)
    size = _features(kind, raw, row_splits * values.itemsize, out)
    return out[:size].tobytes()


def varints(numbers: NDArray[np.int64]) -> memoryview:
    """Whole numbers (n,) as a packed field holds them: of negative ones each takes ten bytes."""
    out = np.empty(10 * len(numbers), np.uint8)
    return out[: _varints(numbers.view(np.uint64), out)].data


def _varint(value: int) -> bytes:
    low = bytearray()
    while value > 127:
        low.append(value & 127 | 128)
        value >>= 7
    low.append(value)
    return bytes(low)


@kernel
def _varints(numbers: NDArray[np.uint64], out: Octets) -> int:
    at, seven = 0, np.uint64(7)
    for number in numbers:
        left = number
        while left > np.uint64(127):
            out[at] = left & np.uint64(127) | np.uint64(128)
            left >>= seven
            at += 1
        out[at] = left
        at += 1
    return at


@kernel
def _features(kind: int, raw: Octets, splits: Splits, out: Octets) -> int:
    at = 0
    for row in range(len(splits) - 1):
        begin, end = splits[row], splits[row + 1]
        packed = end - begin
        held = 1 + _size(packed) + packed if packed else 0  # the bytes of the list
        whole = 1 + _size(held) + held if packed else 0  # the bytes of the Feature
        at = _head(out, at, 2, whole)
        if packed:
            at = _head(out, at, kind, held)
            at = _head(out, at, 1, packed)
        for i in range(begin, end):
            out[at] = raw[i]
            at += 1
    return at


@inlined
def _head(out: Octets, at: int, number: int, length: int) -> int:
    """Tag and length of a field with fewer than 16 siblings."""
    out[at] = number << 3 | _LENGTH
    at += 1
    while length > 127:
        out[at] = length & 127 | 128
        length >>= 7
        at += 1
    out[at] = length
    return at + 1


@inlined
def _size(length: int) -> int:
    """How many bytes a varint takes."""
    size = 1
    while length > 127:
        length >>= 7
        size += 1
    return size
