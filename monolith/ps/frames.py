"""What one frame of an Exchange holds: lookups or updates of several tables, or the answer to such.

A frame is the number that its sender gave it (eight bytes, not 0), a head, and a section for each table: a
few fixed numbers, then ids and rows as they lie in memory. Here is everything after the number; the answer
to a frame begins with the number of that frame.

Rows may travel as float16. That halves their bytes and keeps 11 significant bits: a relative error of up to
2**-11 = 0.05 %, and an absolute one of 2**-25 below 6e-5. Beyond 65504 a number becomes that limit.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from monolith.core.arrays import Rows
from monolith.ps.api import Applied, Change, Gradients, Lookup, Stamp
from monolith.wire.blocks import Blocks, Reader
from monolith.wire.codec import MOST_WORD
from monolith.wire.framing import Buffer

NUMBER = 8  # bytes
_HEAD = struct.Struct("<BBHIQQQ")  # kind, flags, sections, part, incarnation, worker, sequence
_LOOKUP = struct.Struct("<IIHH4x")  # ids, dim, bytes of the name, flags
_UPDATE = struct.Struct("<IIHHHHq")  # ids, dim, bytes of the name, rates, change, flags, step
REPLY = struct.Struct("<BBH4x")  # kind, flags, sections
_APPLIED = struct.Struct("<III4x")  # updated, inserted, whether it is a repetition
_CHANGES = tuple(Change)
_IDS, _WORDS, FLAGS, _FLOATS, _HALVES = map(np.dtype, ("<i8", "<u4", "?", "<f4", "<f2"))


class Kind(IntEnum):
    """What a frame holds."""

    LOOKUPS = 1
    UPDATES = 2
    FOUND = 3
    APPLIED = 4
    REFUSED = 5  # a google.rpc.Status


# Flags are plain numbers: an IntFlag costs a microsecond each time it is asked.
HALF, _STAMPED = 1, 2  # of a frame: rows travel as float16, in the answer too; it carries a stamp
_CREATE, _AFRESH = 1, 2  # of a lookup
_LATEST, _COUNTS, _TIMES = 1, 2, 4  # of an update: what follows its gradients


class Request(NamedTuple):
    """What a server is asked: one of `lookups` and `updates`."""

    incarnation: int  # of the server that is meant; 0: any
    half: bool = False
    lookups: Sequence[Lookup] | None = None
    updates: Sequence[Gradients] | None = None
    stamp: Stamp | None = None

    def parts(self) -> list[Buffer]:
        """The frame, after its number."""
        stamp = self.stamp or Stamp(0, 0)
        asked = self.lookups if self.lookups is not None else self.updates or ()
        kind = Kind.LOOKUPS if self.lookups is not None else Kind.UPDATES
        flags = HALF * self.half | _STAMPED * (self.stamp is not None)
        blocks = Blocks()
        who = (stamp.part, self.incarnation, stamp.worker, stamp.sequence)
        blocks.pack(_HEAD, kind, flags, len(asked), *who)
        for request in asked:
            if isinstance(request, Lookup):
                _put_lookup(blocks, request)
            else:
                _put_update(blocks, request, dtype_of(self.half))
        return blocks.parts

    @staticmethod
    def of(frame: Buffer) -> Request:
        """Read a frame; arrays of float32 are views of it.

        Raises:
            DecodeError: it is none, or not a request.
        """
        reader = Reader(frame, NUMBER)
        kind, flags, sections, part, incarnation, worker, sequence = reader.unpack(_HEAD)
        stamp = Stamp(worker, sequence, part) if flags & _STAMPED else None
        half = bool(flags & HALF)
        lookups = updates = None
        match kind:
            case Kind.LOOKUPS:
                lookups = [_lookup_of(reader) for _ in range(sections)]
            case Kind.UPDATES:
                updates = [_update_of(reader, dtype_of(half)) for _ in range(sections)]
            case _:
                raise DecodeError(f"a frame of kind {kind} is no request")
        reader.finish()
        return Request(incarnation, half, lookups, updates, stamp)


def applied_parts(answers: Sequence[Applied]) -> list[Buffer]:
    """The answer to updates, after its number."""
    blocks = Blocks()
    blocks.pack(REPLY, Kind.APPLIED, 0, len(answers))
    for answer in answers:
        blocks.pack(_APPLIED, answer.updated, answer.inserted, answer.duplicate)
    return blocks.parts


def refused_parts(details: bytes) -> list[Buffer]:
    """The answer that says why there is none, after its number; `details` is a google.rpc.Status."""
    return [REPLY.pack(Kind.REFUSED, 0, 0), details]


def refusal_of(frame: Buffer) -> bytes | None:
    """The details of an answer that `refused_parts` made; None if it is something else."""
    if frame[NUMBER : NUMBER + 1] != bytes([Kind.REFUSED]):
        return None
    return bytes(frame[NUMBER + REPLY.size :])


def applied_of(frame: Buffer) -> list[Applied]:
    """The answers to updates.

    Raises:
        DecodeError: it holds something else.
    """
    reader = Reader(frame, NUMBER)
    _, sections = answered(reader, Kind.APPLIED)
    answers = [reader.unpack(_APPLIED) for _ in range(sections)]
    reader.finish()
    return [Applied(updated, inserted, duplicate=bool(again)) for updated, inserted, again in answers]


def answered(reader: Reader, expected: Kind) -> tuple[int, int]:
    kind, flags, sections = reader.unpack(REPLY)
    if kind != expected:
        raise DecodeError(f"a frame of kind {kind} instead of {expected}")
    return flags, sections


def _put_lookup(blocks: Blocks, request: Lookup) -> None:
    name = request.table.encode()
    flags = _CREATE * request.create | _AFRESH * request.afresh
    blocks.pack(_LOOKUP, len(request.fids), request.dim, len(name), flags)
    blocks.put(name)
    blocks.put_array(request.fids, _IDS)


def _lookup_of(reader: Reader) -> Lookup:
    count, dim, name, flags = reader.unpack(_LOOKUP)
    table = _name(reader.take(name))
    fids = reader.array(_IDS, count)
    return Lookup(table, fids, dim, bool(flags & _CREATE), bool(flags & _AFRESH))


def _put_update(blocks: Blocks, update: Gradients, dtype: np.dtype[Any]) -> None:
    name = update.table.encode()
    flags = (
        _LATEST * (update.latest is not None)
        | _COUNTS * (update.counts is not None)
        | _TIMES * (update.times is not None)
    )
    change = _CHANGES.index(update.change)
    shape = (len(update.fids), update.grads.shape[1])
    rates = update.learning_rates
    blocks.pack(_UPDATE, *shape, len(name), len(rates), change, flags, update.step)
    blocks.put(name)
    blocks.put_array(np.array(rates), _FLOATS)
    blocks.put_array(update.fids, _IDS)
    _put_rows(blocks, update.grads, dtype)
    if update.latest is not None:
        _put_rows(blocks, update.latest, dtype)
    for numbers in (update.counts, update.times):
        if numbers is not None:
            blocks.put_array(np.minimum(numbers, MOST_WORD), _WORDS)


def _update_of(reader: Reader, dtype: np.dtype[Any]) -> Gradients:
    count, dim, name, rates, change, flags, step = reader.unpack(_UPDATE)
    if change >= len(_CHANGES):
        raise DecodeError(f"change {change} is unknown here")

    def rows() -> Rows:
        held = reader.array(dtype, count * dim).astype(np.float32, copy=False)
        return held.reshape(count, dim)

    return Gradients(
        _name(reader.take(name)),
        learning_rates=tuple(reader.array(_FLOATS, rates).tolist()),
        fids=reader.array(_IDS, count),
        grads=rows(),
        step=step,
        change=_CHANGES[change],
        latest=rows() if flags & _LATEST else None,
        counts=reader.array(_WORDS, count).astype(np.int64) if flags & _COUNTS else None,
        times=reader.array(_WORDS, count) if flags & _TIMES else None,
    )


def _name(taken: Buffer) -> str:
    try:
        return str(taken, "utf-8")
    except UnicodeDecodeError as error:
        raise DecodeError(f"the name of a table is no text: {error}") from error


def _put_rows(blocks: Blocks, rows: Rows, dtype: np.dtype[Any]) -> None:
    blocks.put_array(halves(rows) if dtype is _HALVES else rows, dtype)


def halves(rows: Rows) -> NDArray[np.float16]:
    """As float16; what is finite stays so, for a server refuses infinities."""
    with np.errstate(over="ignore"):
        halves = rows.astype(np.float16)
    overflown = np.isinf(halves) & np.isfinite(rows)
    halves[overflown] = np.copysign(np.finfo(np.float16).max, rows[overflown])
    return halves


def dtype_of(half: int) -> np.dtype[Any]:
    return _HALVES if half else _FLOATS
