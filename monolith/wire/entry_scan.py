"""EntryDump messages read as arrays: what `wire.entries` asks of each.

As in `wire.fields`, kernels are plain loops over bytes that say whether they met a fault. Floats are carried
as their bits.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Indices
from monolith.wire.embedding_hash_table_pb2 import EntryDump
from monolith.wire.fields import FAULTS, FIXED32, FIXED64, LENGTH, VARINT, WIRE, Octets, field_at, fixed
from monolith.wire.kernel import inlined, kernel
from monolith.wire.optimizer_pb2 import OptimizerDump

_ID: Final = EntryDump.ID_FIELD_NUMBER
_NUM: Final = EntryDump.NUM_FIELD_NUMBER
_OPT: Final = EntryDump.OPT_FIELD_NUMBER
_TIME: Final = EntryDump.LAST_UPDATE_TS_SEC_FIELD_NUMBER
_DUMP: Final = OptimizerDump.DUMP_FIELD_NUMBER
FIELDS: Final = 8  # more than any optimizer's dump has

OTHER_OPTIMIZER: Final = 4  # counted on from the faults of any message
OTHER_LENGTH: Final = 5
MORE_SEGMENTS: Final = 6
TOLD: Final = {
    **FAULTS,
    OTHER_OPTIMIZER: "a segment's state is that of another optimizer than the table's",
    OTHER_LENGTH: "it has more or fewer numbers than a row of the table",
    MORE_SEGMENTS: "it has the state of more segments than the table has",
}

# Of each segment the member of SingleOptimizerDump; by segment and field of that, the first column and the
# one behind the last (-1: not a column), and whether it is an int64; and how many values a row has.
Numbers: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], int]
Words: TypeAlias = tuple[Fids, NDArray[np.uint32], Indices]  # ids, rows and times, to be filled in
_Known: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
_Value: TypeAlias = tuple[int, int, int]  # wire type, where a value begins (a varint: the value), ends


@kernel
def parse(buf: Octets, bounds: NDArray[np.int64], numbers: Numbers, into: Words) -> tuple[int, int]:
    """Which message is at fault, and the fault (0: none)."""
    for i in range(len(bounds)):
        fault = _entry(buf, bounds[i, 0], bounds[i, 1], numbers, into, i)
        if fault:
            return i, fault
    return 0, 0


@inlined
def _entry(buf: Octets, at: int, end: int, numbers: Numbers, into: Words, i: int) -> Any:
    members, columns, dim = numbers
    fids, words, times = into
    value = segment = 0
    while at < end:
        number, wire, first, stop, after, fault = field_at(buf, at, end)
        if fault:
            return fault
        if number == _NUM:
            value, fault = _append(buf, (wire, first, stop), words[i], value, dim)
        elif number == _OPT:
            segment, fault = _optimizers(buf, (wire, first, stop), (members, columns), words[i], segment)
        elif number == _ID and wire == FIXED64:
            fids[i], _, fault = fixed(buf, first, stop, FIXED64)
        elif number == _TIME and wire == VARINT:
            times[i] = first
        elif number <= _TIME:
            return WIRE
        if fault:
            return fault
        at = after
    return 0 if value == dim else OTHER_LENGTH


@inlined
def _optimizers(buf: Octets, value: _Value, known: _Known, row: NDArray[np.uint32], segment: int) -> Any:
    """Read an OptimizerDump; how many segments' states were read until then, and the fault."""
    wire, at, end = value
    members, columns = known
    if wire != LENGTH:
        return segment, WIRE
    while at < end:
        number, wire, first, stop, after, fault = field_at(buf, at, end)
        if not fault and number == _DUMP:
            if segment == len(members):
                return segment, MORE_SEGMENTS
            fault = _optimizer(buf, (wire, first, stop), members[segment], columns[segment], row)
            segment += 1
        if fault:
            return segment, fault
        at = after
    return segment, 0


@inlined
def _optimizer(
    buf: Octets, value: _Value, member: int, columns: NDArray[np.int64], row: NDArray[np.uint32]
) -> Any:
    """Read a SingleOptimizerDump, which must be `member`'s if it is anyone's."""
    wire, at, end = value
    if wire != LENGTH:
        return WIRE
    while at < end:
        number, wire, first, stop, after, fault = field_at(buf, at, end)
        if fault:
            return fault
        if number != member or wire != LENGTH:
            return OTHER_OPTIMIZER
        fault = _state(buf, first, stop, columns, row)
        if fault:
            return fault
        at = after
    return 0


@inlined
def _state(buf: Octets, at: int, end: int, columns: NDArray[np.int64], row: NDArray[np.uint32]) -> Any:
    """Read the fields of one optimizer's state; each is told in one go, as every writer does it."""
    told = column = last = whole = 0
    while at < end:
        number, wire, first, stop, after, fault = field_at(buf, at, end)
        if fault:
            return fault
        if number != told:
            if column != last:
                return OTHER_LENGTH
            told = number
            known = number < FIELDS and columns[number, 0] >= 0
            column, last = (columns[number, 0], columns[number, 1]) if known else (0, 0)
            whole = columns[number, 2] if known else 0
        if whole:
            if wire != VARINT:
                return WIRE
            row[last - 2] = first & 0xFFFFFFFF
            row[last - 1] = first >> 32 & 0xFFFFFFFF
            column = last
        elif last:
            column, fault = _append(buf, (wire, first, stop), row, column, last)
            if fault:
                return fault
        at = after
    return 0 if column == last else OTHER_LENGTH


@inlined
def _append(buf: Octets, value: _Value, row: NDArray[np.uint32], column: int, end: int) -> tuple[int, int]:
    """Put a float, or a packed run of them, into `row` from `column` on, before column `end`."""
    wire, at, stop = value
    if wire != FIXED32 and wire != LENGTH:
        return column, WIRE
    while at < stop:
        if column >= end:
            return column, OTHER_LENGTH
        word, at, fault = fixed(buf, at, stop, FIXED32)
        if fault:
            return column, fault
        row[column] = word
        column += 1
    return column, 0
