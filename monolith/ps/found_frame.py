"""The answer to lookups: a frame that is laid out before they are made, so that rows are written into it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from monolith.core.arrays import Rows
from monolith.ps.api import Found, Lookup
from monolith.ps.destination import Destination
from monolith.ps.frames import FLAGS, HALF, NUMBER, REPLY, Kind, answered, dtype_of, halves
from monolith.wire.blocks import Reader, Sheet, padded
from monolith.wire.framing import Buffer

_SECTION = struct.Struct("<III4x")  # ids, dim, rows created

LookUp: TypeAlias = Callable[[Sequence[Lookup]], list[Found]]


class _Place(NamedTuple):
    """Where the answer to one lookup lies: its head, and its rows."""

    start: int
    rows: int
    ids: int
    dim: int


class FoundFrame:
    """The answer to `lookups`, of `size` bytes. With `half`, rows travel as float16."""

    def __init__(self, lookups: Sequence[Lookup], *, half: bool) -> None:
        self._lookups = lookups
        self._half = half
        self._dtype = dtype_of(half)
        self._places = []
        self.size = NUMBER + REPLY.size
        for asked in lookups:
            count, dim = len(asked.fids), asked.dim
            rows = self.size + _SECTION.size + padded(count)
            self._places.append(_Place(self.size, rows, count, dim))
            self.size = rows + padded(count * dim * self._dtype.itemsize)

    def filled(self, number: Buffer, look_up: LookUp) -> bytes:
        """The frame with what `look_up` finds; rows that travel as they are it writes into the frame."""
        sheet = Sheet(self.size)
        sheet.put(0, number)
        sheet.pack(NUMBER, REPLY, Kind.FOUND, HALF * self._half, len(self._places))
        rows = [self._rows(sheet, place) for place in self._places]
        answers = look_up(self._lookups if self._half else self._going_into(rows))
        for place, travels, answer in zip(self._places, rows, answers, strict=True):
            sheet.pack(place.start, _SECTION, place.ids, place.dim, answer.initialized)
            sheet.array(place.start + _SECTION.size, FLAGS, place.ids)[:] = answer.found
            if self._half:
                travels[:] = halves(answer.rows)
        return sheet.whole

    def _going_into(self, rows: Sequence[Rows]) -> list[Lookup]:
        each = zip(self._lookups, rows, strict=True)
        return [asked.going_into(Destination(room)) for asked, room in each]

    def _rows(self, sheet: Sheet, place: _Place) -> Rows:
        rows: Rows = sheet.array(place.rows, self._dtype, place.ids * place.dim)
        return rows.reshape(place.ids, place.dim)


def found_of(frame: Buffer) -> list[Found]:
    """The answers to lookups; rows are views of `frame`, of float16 if they travelled so.

    Raises:
        DecodeError: it holds something else.
    """
    reader = Reader(frame, NUMBER)
    flags, sections = answered(reader, Kind.FOUND)
    answers = []
    for _ in range(sections):
        count, dim, initialized = reader.unpack(_SECTION)
        found = reader.array(FLAGS, count)
        rows = reader.array(dtype_of(flags & HALF), count * dim).reshape(count, dim)
        answers.append(Found(rows, found, initialized))
    reader.finish()
    return answers
