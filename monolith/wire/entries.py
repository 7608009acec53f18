"""Rows as upstream's tables dump them, one EntryDump message a row: whole arrays of rows at once.

What a message says of an optimizer's state depends on the optimizer, so an `EntryShape` tells which columns
of our rows belong to which fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Flags, Floats, Indices, Rows
from monolith.core.errors import DataError
from monolith.wire import entry_scan
from monolith.wire.embedding_hash_table_pb2 import EntryDump
from monolith.wire.fields import VARINT, Octets
from monolith.wire.frames import HEAD, OVERHEAD, frame
from monolith.wire.kernel import kernel
from monolith.wire.optimizer_pb2 import SingleOptimizerDump

# Numbers whose bytes differ from those of 0.0 and of -1, all but a varint's tenth; -1 takes ten as well.
_LARGEST: Final = float(np.finfo(np.float32).max)
_SMALLEST: Final = -(2**63)
_FLOAT_BYTES, _WHOLE_BYTES = 4, 9


class State(NamedTuple):
    """What one segment's optimizer leaves in a dump.

    A field that is an int64 has two columns, which hold its lower and its upper half.
    """

    member: str  # of SingleOptimizerDump
    columns: Mapping[str, tuple[int, int]]  # field of that member → first column, and the one behind the last


@dataclass(frozen=True)
class EntryShape:
    """How a row of `dim` values and `slot_dim` floats of state is told.

    Columns count from the first value. Optimizers that keep nothing upstream dumps have no `State`.
    """

    dim: int
    slot_dim: int
    states: Sequence[State]

    @property
    def width(self) -> int:
        return self.dim + self.slot_dim


class Entries(NamedTuple):
    """n rows as they were dumped."""

    fids: Fids  # (n,)
    rows: Rows  # (n, dim + slot_dim): values, then state
    times: Indices | None  # (n,), seconds since 1970 of the last update; None to write none


def framed_entries(shape: EntryShape, entries: Entries) -> Octets:
    """Records (n, bytes of one), all equally long, whose payloads are the messages.

    Numbers are not packed, as proto2 has it. Times take as many bytes as the longest of them needs, which
    any reader of protobuf takes for the same number.
    """
    body, at, whole = _template(shape)
    times = _varints(entries.times, EntryDump.LAST_UPDATE_TS_SEC_FIELD_NUMBER, len(entries.fids))
    records = np.empty((len(entries.fids), OVERHEAD + len(body) + times.shape[1]), np.uint8)
    records[:, HEAD : HEAD + len(body)] = body
    records[:, HEAD + len(body) : HEAD - OVERHEAD] = times
    _fill(records, HEAD + at, whole, entries.fids, entries.rows.view(np.uint32))
    frame(records)
    return records


def parse_entries(shape: EntryShape, buf: Octets, bounds: NDArray[np.int64], unsaid: Floats) -> Entries:
    """The rows whose messages lie in `buf` between `bounds` (n, 2).

    State that a message does not tell is that of `unsaid`, a whole row (dim + slot_dim,).

    Raises:
        DataError: a message is malformed, or is of a row that is made otherwise.
    """
    count = len(bounds)
    times = np.zeros(count, np.int64)
    found = Entries(np.zeros(count, np.int64), np.tile(unsaid, (count, 1)), times)
    row, fault = entry_scan.parse(
        buf, bounds, _numbers(shape), (found.fids, found.rows.view(np.uint32), times)
    )
    if fault:
        raise DataError(
            f"the entry of id {found.fids[row]}: {entry_scan.TOLD[fault]}", offset=int(bounds[row, 0])
        )
    return found


def _template(shape: EntryShape) -> tuple[Octets, Indices, Flags]:
    """A message without its time, where in it each column stands (-1: nowhere), and which begin an int64."""
    zeros, others = (
        np.frombuffer(_message(shape, *numbers), np.uint8) for numbers in ((0.0, -1), (_LARGEST, _SMALLEST))
    )
    columns, whole = _told_columns(shape)
    sizes = np.where(whole, _WHOLE_BYTES, _FLOAT_BYTES)
    at, is_whole = np.full(shape.width, -1), np.zeros(shape.width, np.bool_)
    at[columns] = np.flatnonzero(zeros != others)[np.cumsum(sizes) - sizes]
    is_whole[columns] = whole
    return zeros, at, is_whole


def _message(shape: EntryShape, number: float, whole: int) -> bytes:
    entry = EntryDump(id=0, num=[number] * shape.dim)
    for state in shape.states:
        held = getattr(entry.opt.dump.add(), state.member)
        held.SetInParent()
        for name, (first, stop) in state.columns.items():
            if _is_whole(state, name):
                setattr(held, name, whole)
            elif hasattr(getattr(held, name), "extend"):
                getattr(held, name).extend([number] * (stop - first))
            else:
                setattr(held, name, number)
    return entry.SerializeToString()


def _told_columns(shape: EntryShape) -> tuple[list[int], list[bool]]:
    """The columns in the order in which a message tells them, fields by number; which begin an int64."""
    columns, whole = list(range(shape.dim)), [False] * shape.dim
    for state in shape.states:
        number = _kind(state).fields_by_name
        for name in sorted(state.columns, key=lambda name: number[name].number):
            first, stop = state.columns[name]
            told = [first] if _is_whole(state, name) else range(first, stop)
            columns += told
            whole += [_is_whole(state, name)] * len(told)
    return columns, whole


def _is_whole(state: State, name: str) -> bool:
    field = _kind(state).fields_by_name[name]
    return bool(field.cpp_type == field.CPPTYPE_INT64)


def _kind(state: State) -> Any:
    return SingleOptimizerDump.DESCRIPTOR.fields_by_name[state.member].message_type


def _numbers(shape: EntryShape) -> entry_scan.Numbers:
    """The shape as kernels take it."""
    fields = SingleOptimizerDump.DESCRIPTOR.fields_by_name
    members = np.array([fields[state.member].number for state in shape.states], np.int64)
    columns = np.full((len(members), entry_scan.FIELDS, 3), -1)
    for k, state in enumerate(shape.states):
        for name, held in state.columns.items():
            columns[k, _kind(state).fields_by_name[name].number] = *held, _is_whole(state, name)
    return members, columns, shape.dim


def _varints(numbers: Indices | None, field: int, count: int) -> Octets:
    """The field with each of `numbers` (count, bytes of one), all as long as the longest; None: without."""
    if numbers is None:
        return np.empty((count, 0), np.uint8)
    bits = int(numbers.view(np.uint64).max(initial=0)).bit_length()  # of a negative number all 64
    size = max(-(-bits // 7), 1)
    out = np.full((count, 1 + size), field << 3 | VARINT, np.uint8)
    for k in range(size):
        more = 0x80 if k < size - 1 else 0
        out[:, 1 + k] = numbers >> 7 * k & 0x7F | more
    return out


@kernel
def _fill(records: Octets, at: Indices, whole: Flags, fids: Fids, words: NDArray[np.uint32]) -> None:
    for i in range(len(records)):
        record = records[i]
        for k in range(8):
            record[HEAD + 1 + k] = fids[i] >> 8 * k & 255
        for j in range(len(at)):
            if at[j] < HEAD:
                continue
            if whole[j]:
                number = np.uint64(words[i, j]) | np.uint64(words[i, j + 1]) << np.uint64(32)
                for k in range(9):
                    record[at[j] + k] = number >> np.uint64(7 * k) & np.uint64(127) | np.uint64(128)
                record[at[j] + 9] = number >> np.uint64(63)
            else:
                for k in range(4):
                    record[at[j] + k] = words[i, j] >> np.uint32(8 * k) & np.uint32(255)
