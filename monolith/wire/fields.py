"""Protobuf's wire format read as arrays: the fields of any message, and what their values are made of.

The kernels are plain loops over bytes. Each says whether it met a fault (0: none) and at which byte. They
never read outside the span they are given, and what they return is bounded by its length. Bytes are made
int64 one by one, since numba makes floats of signed and unsigned integers that meet.

numba looks only at a kernel's own file to see whether its compiled copy is stale: after an edit in this
file, remove `__pycache__/scan*.nb?`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monolith.core.errors import DataError
from monolith.wire.kernel import inlined, kernel

Octets = NDArray[np.uint8]

VARINT: Final = 0
FIXED64: Final = 1
LENGTH: Final = 2
FIXED32: Final = 5

CUT: Final = 1
WIRE: Final = 2
NUMBER: Final = 3
FAULTS: Final = {
    CUT: "a field runs past the end of its message",
    WIRE: "a field has a wire type that its number does not have",
    NUMBER: "a number is longer than ten bytes, or a field's number is not in 1..2**29 - 1",
}


def fields(buf: Octets) -> NDArray[np.int64]:
    """The fields of a message, (n, 4): number, wire type, and where the value begins and ends.

    Of a varint the third is its value. The message itself should have few fields: they are counted first.

    Raises:
        DataError: the bytes are not a message.
    """
    found = np.empty((_count(buf), 4), np.int64)
    fault, at = _fields(buf, found)
    judge(fault, at)
    return found


def judge(fault: int, at: int, told: Mapping[int, str] = FAULTS) -> None:
    """Raise the DataError that a kernel met, if it met one."""
    if fault:
        raise DataError(f"byte {at} of the message: {told[fault]}", offset=at)


@kernel
def _count(buf: Octets) -> int:
    """How many fields there are, stopping quietly where they stop making sense."""
    count = at = 0
    while at < len(buf):
        _, _, _, _, at, fault = field_at(buf, at, len(buf))
        if fault:
            break
        count += 1
    return count


@kernel
def _fields(buf: Octets, found: NDArray[np.int64]) -> tuple[int, int]:
    count = at = 0
    while at < len(buf):
        number, wire, begin, stop, after, fault = field_at(buf, at, len(buf))
        if fault:
            return fault, at
        found[count, 0], found[count, 1], found[count, 2], found[count, 3] = number, wire, begin, stop
        count += 1
        at = after
    return 0, at


@inlined
def field_at(buf: Octets, at: int, end: int) -> tuple[int, int, int, int, int, int]:
    """The field at `at`: number, wire type, where its value begins (varint: the value), ends; next; fault."""
    key, at, fault = varint(buf, at, end)
    if fault:
        return 0, 0, 0, 0, at, fault
    number, wire = key >> 3, key & 7
    if number <= 0 or number >= 1 << 29:
        return 0, 0, 0, 0, at, NUMBER
    if wire == VARINT:
        value, after, fault = varint(buf, at, end)
        return number, wire, value, after, after, fault
    size = 8 if wire == FIXED64 else 4
    if wire == LENGTH:
        size, at, fault = varint(buf, at, end)
        if fault:
            return 0, 0, 0, 0, at, fault
    elif wire != FIXED64 and wire != FIXED32:
        return 0, 0, 0, 0, at, WIRE
    if size < 0 or size > end - at:
        return 0, 0, 0, 0, at, CUT
    return number, wire, at, at + size, at + size, 0


@inlined
def varint(buf: Octets, at: int, end: int) -> tuple[np.int64, int, int]:
    value = np.int64(0)
    for shift in range(0, 70, 7):
        if at >= end:
            return value, at, CUT
        byte = np.int64(buf[at])
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at, 0
    return value, at, NUMBER


@inlined
def fixed(buf: Octets, at: int, end: int, wire: int) -> tuple[np.int64, int, int]:
    """Eight little-endian bytes, or four."""
    size = 8 if wire == FIXED64 else 4
    if end - at < size:
        return np.int64(0), at, CUT
    value = _four(buf, at)
    if wire == FIXED64:
        value |= _four(buf, at + 4) << 32
    return value, at + size, 0


@inlined
def _four(buf: Octets, at: int) -> np.int64:
    """Written out: a compiler makes one load of it."""
    low = np.int64(buf[at]) | np.int64(buf[at + 1]) << 8
    return low | np.int64(buf[at + 2]) << 16 | np.int64(buf[at + 3]) << 24
