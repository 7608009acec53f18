"""Protobuf wire format read as arrays: every field of a message, every number of a column, in one pass.

The kernels are plain loops over bytes. Each says whether it met a fault (0: none) and at which byte. They
never read outside the span they are given, and what they return is bounded by its length. Bytes are made
int64 one by one, since numba makes floats of signed and unsigned integers that meet.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Splits
from monolith.core.errors import DataError
from monolith.wire.kernel import inlined, kernel

Octets = NDArray[np.uint8]

_Value: TypeAlias = tuple[int, int, int]  # wire type, where a value begins (a varint: the value), ends

VARINT: Final = 0
FIXED64: Final = 1
LENGTH: Final = 2
FIXED32: Final = 5

# The members of a Feature that hold numbers, by field number; the other members are bytes or lists of lists.
FID_V1: Final = 1
FID_V2: Final = 2
FLOATS: Final = 3
DOUBLES: Final = 4
INT64S: Final = 5
_INT64: Final = 12
_FLOAT: Final = 13
_DOUBLE: Final = 14
_LAST: Final = 16

_PLAIN: Final = 4  # bytes before the numbers of a Feature that is written the usual way
_VALUE: Final = 1 << 3 | LENGTH  # tag of the packed numbers in a list

# What `_column` learns beside the numbers, by place in an array.
_ROWS: Final = 0
_KIND: Final = 1
_SHARED: Final = 2
_ABOUT: Final = 3

_CUT: Final = 1
_WIRE: Final = 2
_NUMBER: Final = 3
_MIXED: Final = 4
_OTHER: Final = 5
_FAULTS = {
    _CUT: "a field runs past the end of its message",
    _WIRE: "a field has a wire type that its number does not have",
    _NUMBER: "a number is longer than ten bytes, or a field's number is not in 1..2**29 - 1",
    _MIXED: "the rows of one feature hold different kinds of values",
    _OTHER: "a feature holds bytes or lists of lists where numbers are needed",
}


class Column(NamedTuple):
    """What one NamedFeatureList holds: row i has `values[row_splits[i]:row_splits[i + 1]]`.

    `kind` is FID_V1, FID_V2 or INT64S (int64 values), FLOATS (float32), DOUBLES (float64), or 0 if no row
    holds anything.
    """

    shared: bool
    kind: int
    values: NDArray[Any]
    row_splits: Splits


def fields(buf: Octets) -> NDArray[np.int64]:
    """The fields of a message, (n, 4): number, wire type, and where the value begins and ends.

    Of a varint the third is its value. The message itself should have few fields: they are counted first.

    Raises:
        DataError: the bytes are not a message.
    """
    found = np.empty((_count(buf), 4), np.int64)
    fault, at = _fields(buf, found)
    _judge(fault, at)
    return found


class Scratch:
    """Room for a column of up to `size` bytes, to be used again: fresh memory costs more than parsing."""

    def __init__(self, size: int) -> None:
        self.words = np.empty(size, np.int64)
        self.splits = np.zeros(size // 2 + 1, np.int64)


def column(buf: Octets, begin: int, end: int, scratch: Scratch) -> Column:
    """The NamedFeatureList at `buf[begin:end]`; `scratch` has room for that many bytes.

    Raises:
        DataError: it is malformed, holds something else than numbers, or its rows differ in kind.
    """
    words, splits = scratch.words[: end - begin], scratch.splits[: (end - begin) // 2 + 1]
    about = np.zeros(_ABOUT, np.int64)
    fault, at = _column(buf, begin, end, words, splits, about)
    _judge(fault, at)
    rows, kind, shared = about.tolist()
    return Column(bool(shared), kind, _typed(kind, words[: splits[rows]]), splits[: rows + 1].copy())


def name(buf: Octets, begin: int, end: int) -> str:
    """The name of the NamedFeatureList at `buf[begin:end]`; it is the first field, so this is quick.

    Raises:
        DataError: the message is malformed, or the name is not UTF-8.
    """
    first, last, fault, at = _name(buf, begin, end)
    _judge(fault, at)
    try:
        return buf[first:last].tobytes().decode()
    except UnicodeDecodeError as exc:
        raise DataError(f"byte {first} of the message: a name is not UTF-8", offset=first) from exc


def _typed(kind: int, words: NDArray[np.int64]) -> NDArray[Any]:
    """A copy of `words` as what they are."""
    if kind == FLOATS:
        return words.astype(np.uint32).view(np.float32)
    return words.copy().view(np.float64 if kind == DOUBLES else np.int64)


def _judge(fault: int, at: int) -> None:
    if fault:
        raise DataError(f"byte {at} of the message: {_FAULTS[fault]}", offset=at)


@kernel
def _count(buf: Octets) -> int:
    """How many fields there are, stopping quietly where they stop making sense."""
    count = at = 0
    while at < len(buf):
        _, _, _, _, at, fault = _field(buf, at, len(buf))
        if fault:
            break
        count += 1
    return count


@kernel
def _fields(buf: Octets, found: NDArray[np.int64]) -> tuple[int, int]:
    count = at = 0
    while at < len(buf):
        number, wire, begin, stop, after, fault = _field(buf, at, len(buf))
        if fault:
            return fault, at
        found[count, 0], found[count, 1], found[count, 2], found[count, 3] = number, wire, begin, stop
        count += 1
        at = after
    return 0, at


@kernel
def _name(buf: Octets, at: int, end: int) -> tuple[int, int, int, int]:
    while at < end:
        number, wire, begin, stop, after, fault = _field(buf, at, end)
        if fault:
            return 0, 0, fault, at
        if number == 1 and wire == LENGTH:
            return begin, stop, 0, at
        at = after
    return 0, 0, 0, at


@kernel
def _column(
    buf: Octets, at: int, end: int, words: NDArray[np.int64], splits: Splits, about: NDArray[np.int64]
) -> tuple[int, int]:
    while at < end:
        number, wire, begin, stop, after, fault = _field(buf, at, end)
        if fault:
            return fault, at
        if number == 2 and wire == LENGTH:
            fault, at = _row(buf, begin, stop, words, splits, about)
            if fault:
                return fault, at
        elif number == 3 and wire == VARINT:
            about[_SHARED] = begin
        elif number in (2, 3):
            return _WIRE, at
        at = after
    return 0, at


@kernel
def _row(
    buf: Octets, at: int, end: int, words: NDArray[np.int64], splits: Splits, about: NDArray[np.int64]
) -> tuple[int, int]:
    """One Feature: appends its numbers to `words` and its end to `splits`."""
    rows = about[_ROWS]
    member = _plain(buf, at, end)
    if member:
        count, fault = _append(buf, member, (LENGTH, at + _PLAIN, end), words, splits[rows])
    else:
        member, count, fault, at = _members(buf, at, end, words, splits[rows])
    if fault:
        return fault, at
    kind = _kind(member)
    if kind and about[_KIND] not in (0, kind):
        return _MIXED, at
    if kind:
        about[_KIND] = kind
    about[_ROWS] = rows + 1
    splits[rows + 1] = count
    return 0, at


@kernel
def _members(
    buf: Octets, at: int, end: int, words: NDArray[np.int64], first: int
) -> tuple[int, int, int, int]:
    """Which member a Feature has, where its numbers end in `words` if they begin at `first`, fault, place."""
    member, count = 0, first
    while at < end:
        number, wire, begin, stop, after, fault = _field(buf, at, end)
        if fault:
            return member, count, fault, at
        if number <= _LAST:
            if member not in (0, number):
                return member, count, _MIXED, at
            member = number
            if number > INT64S:
                count = first  # a scalar that comes twice counts once, the last
            count, fault = _member(buf, number, (wire, begin, stop), words, count)
            if fault:
                return member, count, fault, at
        at = after
    return member, count, 0, at


@inlined
def _plain(buf: Octets, at: int, end: int) -> int:
    """The member of a Feature that is written the usual way, or 0.

    That is one packed list of fixed-size numbers whose lengths take a byte each: nearly every row there is.
    """
    length = end - at
    if length < _PLAIN or length > 127:
        return 0
    usual = buf[at + 1] == length - 2 and buf[at + 2] == _VALUE and buf[at + 3] == length - _PLAIN
    for member in (FID_V1, FID_V2, FLOATS, DOUBLES):
        if usual and buf[at] == member << 3 | LENGTH:
            return member
    return 0


@inlined
def _kind(member: int) -> int:
    if member == _INT64:
        return INT64S
    if member == _FLOAT:
        return FLOATS
    return DOUBLES if member == _DOUBLE else member


@inlined
def _member(buf: Octets, number: int, value: _Value, words: NDArray[np.int64], count: int) -> tuple[int, int]:
    """Append what one member of a Feature holds to `words`."""
    wire, at, stop = value
    if number in (_INT64, _FLOAT, _DOUBLE):
        if wire == LENGTH:
            return count, _WIRE
        count, fault = _append(buf, _kind(number), value, words, count)
        return count, fault
    if number > INT64S:
        return count, _OTHER
    if wire != LENGTH:
        return count, _WIRE
    while at < stop:
        inner, wire, begin, end, after, fault = _field(buf, at, stop)
        if fault:
            return count, fault
        if inner == 1:
            count, fault = _append(buf, number, (wire, begin, end), words, count)
            if fault:
                return count, fault
        at = after
    return count, 0


@inlined
def _append(buf: Octets, kind: int, value: _Value, words: NDArray[np.int64], count: int) -> tuple[int, int]:
    """Append one number, or a packed run of them, of `kind` to `words`."""
    wire, at, stop = value
    own = VARINT if kind == INT64S else (FIXED32 if kind == FLOATS else FIXED64)
    if wire == own and own == VARINT:
        words[count] = at
        return count + 1, 0
    if wire != own and wire != LENGTH:
        return count, _WIRE
    while at < stop:
        if own == VARINT:
            word, at, fault = _varint(buf, at, stop)
        else:
            word, at, fault = _fixed(buf, at, stop, own)
        if fault:
            return count, fault
        words[count] = word
        count += 1
    return count, 0


@inlined
def _field(buf: Octets, at: int, end: int) -> tuple[int, int, int, int, int, int]:
    """The field at `at`: number, wire type, where its value begins (varint: the value), ends; next; fault."""
    key, at, fault = _varint(buf, at, end)
    if fault:
        return 0, 0, 0, 0, at, fault
    number, wire = key >> 3, key & 7
    if number <= 0 or number >= 1 << 29:
        return 0, 0, 0, 0, at, _NUMBER
    if wire == VARINT:
        value, after, fault = _varint(buf, at, end)
        return number, wire, value, after, after, fault
    size = 8 if wire == FIXED64 else 4
    if wire == LENGTH:
        size, at, fault = _varint(buf, at, end)
        if fault:
            return 0, 0, 0, 0, at, fault
    elif wire != FIXED64 and wire != FIXED32:
        return 0, 0, 0, 0, at, _WIRE
    if size < 0 or size > end - at:
        return 0, 0, 0, 0, at, _CUT
    return number, wire, at, at + size, at + size, 0


@inlined
def _varint(buf: Octets, at: int, end: int) -> tuple[np.int64, int, int]:
    value = np.int64(0)
    for shift in range(0, 70, 7):
        if at >= end:
            return value, at, _CUT
        byte = np.int64(buf[at])
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at, 0
    return value, at, _NUMBER


@inlined
def _fixed(buf: Octets, at: int, end: int, wire: int) -> tuple[np.int64, int, int]:
    """Eight little-endian bytes, or four."""
    size = 8 if wire == FIXED64 else 4
    if end - at < size:
        return np.int64(0), at, _CUT
    value = _four(buf, at)
    if wire == FIXED64:
        value |= _four(buf, at + 4) << 32
    return value, at + size, 0


@inlined
def _four(buf: Octets, at: int) -> np.int64:
    """Written out: a compiler makes one load of it."""
    low = np.int64(buf[at]) | np.int64(buf[at + 1]) << 8
    return low | np.int64(buf[at + 2]) << 16 | np.int64(buf[at + 3]) << 24
