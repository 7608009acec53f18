"""A named column of an ExampleBatch read as arrays: every number of every row, in one pass.

As in `wire.fields`, kernels are plain loops that say whether they met a fault, and at which byte.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Splits
from monolith.core.errors import DataError
from monolith.wire.fields import (
    FAULTS,
    FIXED32,
    FIXED64,
    LENGTH,
    VARINT,
    WIRE,
    Octets,
    field_at,
    fixed,
    judge,
    varint,
)
from monolith.wire.kernel import inlined, kernel

_Value: TypeAlias = tuple[int, int, int]  # wire type, where a value begins (a varint: the value), ends

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

_MIXED: Final = 4  # counted on from the faults of any message
_OTHER: Final = 5
_FAULTS = {
    **FAULTS,
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
    judge(fault, at, _FAULTS)
    rows, kind, shared = about.tolist()
    return Column(bool(shared), kind, _typed(kind, words[: splits[rows]]), splits[: rows + 1].copy())


def name(buf: Octets, begin: int, end: int) -> str:
    """The name of the NamedFeatureList at `buf[begin:end]`; it is the first field, so this is quick.

    Raises:
        DataError: the message is malformed, or the name is not UTF-8.
    """
    first, last, fault, at = _name(buf, begin, end)
    judge(fault, at, _FAULTS)
    try:
        return buf[first:last].tobytes().decode()
    except UnicodeDecodeError as exc:
        raise DataError(f"byte {first} of the message: a name is not UTF-8", offset=first) from exc


def _typed(kind: int, words: NDArray[np.int64]) -> NDArray[Any]:
    """A copy of `words` as what they are."""
    if kind == FLOATS:
        return words.astype(np.uint32).view(np.float32)
    return words.copy().view(np.float64 if kind == DOUBLES else np.int64)


@kernel
def _name(buf: Octets, at: int, end: int) -> tuple[int, int, int, int]:
    while at < end:
        number, wire, begin, stop, after, fault = field_at(buf, at, end)
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
        number, wire, begin, stop, after, fault = field_at(buf, at, end)
        if fault:
            return fault, at
        if number == 2 and wire == LENGTH:
            fault, at = _row(buf, begin, stop, words, splits, about)
            if fault:
                return fault, at
        elif number == 3 and wire == VARINT:
            about[_SHARED] = begin
        elif number in (2, 3):
            return WIRE, at
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
        number, wire, begin, stop, after, fault = field_at(buf, at, end)
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
            return count, WIRE
        count, fault = _append(buf, _kind(number), value, words, count)
        return count, fault
    if number > INT64S:
        return count, _OTHER
    if wire != LENGTH:
        return count, WIRE
    while at < stop:
        inner, wire, begin, end, after, fault = field_at(buf, at, stop)
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
        return count, WIRE
    while at < stop:
        if own == VARINT:
            word, at, fault = varint(buf, at, stop)
        else:
            word, at, fault = fixed(buf, at, stop, own)
        if fault:
            return count, fault
        words[count] = word
        count += 1
    return count, 0
