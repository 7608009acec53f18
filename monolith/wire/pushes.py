"""A PushRequest read as arrays: thousands of rows, whichever way their sender wrote the repeated fields.

As in `wire.fields`, the kernel is a plain loop that says whether it met a fault, and at which byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Floats
from monolith.core.errors import DataError
from monolith.wire import parameter_sync_pb2 as pb
from monolith.wire.fields import CUT, FIXED32, LENGTH, VARINT, WIRE, Octets, field_at, fields, judge, varint
from monolith.wire.kernel import kernel

_Request, _Delta = pb.PushRequest, pb.PushRequest.DeltaEmbeddingHashTable
_TABLES: Final = (_Request.DELTA_HASH_TABLES_FIELD_NUMBER, _Request.DELTA_MULTI_HASH_TABLES_FIELD_NUMBER)

_NAME: Final = _Delta.UNIQUE_ID_FIELD_NUMBER
_DIM: Final = _Delta.DIM_SIZE_FIELD_NUMBER
_FIDS: Final = _Delta.FIDS_FIELD_NUMBER
_VALUES: Final = _Delta.EMBEDDINGS_FIELD_NUMBER
_REMOVED: Final = _Delta.REMOVED_FIELD_NUMBER

# What the kernel learns beside the rows, by place in an array.
_NAME_BEGIN: Final = 0
_NAME_END: Final = 1
_WIDTH: Final = 2
_N_FIDS: Final = 3
_N_OCTETS: Final = 4  # of the values
_N_REMOVED: Final = 5
_ABOUT: Final = 6


class PushStatus(IntEnum):
    """What the answer to a push says."""

    OK = 0
    REFUSED = 1
    SEND_EVERYTHING = 5
    TOO_EARLY = 6  # the one before it has not come


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed in one table. That `values` are so many rows of `dim` is not judged here."""

    table: str
    dim: int  # 0: not said
    fids: Fids  # (n,)
    values: Floats  # (n * dim,) row by row, full precision
    removed: Fids  # (m,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """Changes of a model's tables, and who sends them; a sender of 0 is one that does not say."""

    model: str = ""
    deltas: Sequence[Delta] = ()
    sender: int = 0
    sequence: int = 0
    after: int | None = None  # the sequence of the one before it; None: one less
    shard: int = 0
    shards: int = 1
    whole_begin: bool = False
    whole_end: bool = False
    partial: bool = False
    as_of_ms: int = 0  # unix; 0: not said
    size: int = 0  # bytes


def read_push(request: bytes) -> Push:
    """The push in a serialized PushRequest.

    Raises:
        DataError: it is malformed, or a name in it is not UTF-8.
    """
    buf = np.frombuffer(request, np.uint8)
    found = fields(buf).tolist()
    said = {number: (value, stop) for number, _, value, stop in found}

    def number(field: int, missing: int = 0) -> int:
        return int(said.get(field, (missing, 0))[0])

    begin, end = said.get(_Request.SENDER_FIELD_NUMBER, (0, 0))
    return Push(
        model=_text(buf, *said.get(_Request.MODEL_NAME_FIELD_NUMBER, (0, 0))),
        deltas=[_delta(buf, at, stop) for n, wire, at, stop in found if n in _TABLES and wire == LENGTH],
        sender=int.from_bytes(request[begin:end], "little"),
        sequence=number(_Request.SEQUENCE_FIELD_NUMBER),
        after=number(_Request.AFTER_FIELD_NUMBER) if _Request.AFTER_FIELD_NUMBER in said else None,
        shard=number(_Request.SHARD_FIELD_NUMBER),
        shards=number(_Request.SHARDS_FIELD_NUMBER, 1),
        whole_begin=bool(number(_Request.WHOLE_BEGIN_FIELD_NUMBER)),
        whole_end=bool(number(_Request.WHOLE_END_FIELD_NUMBER)),
        partial=bool(number(_Request.PARTIAL_FIELD_NUMBER)),
        as_of_ms=number(_Request.AS_OF_MS_FIELD_NUMBER),
        size=len(request),
    )


def _delta(buf: Octets, begin: int, end: int) -> Delta:
    """There is room for a number a byte: memory that is not written to costs nothing."""
    fids, removed = np.empty(end - begin, np.int64), np.empty(end - begin, np.int64)
    octets, about = np.empty(end - begin, np.uint8), np.zeros(_ABOUT, np.int64)
    judge(*_read(buf, begin, end, (fids, octets, removed), about))
    first, last, dim, n_fids, n_octets, n_removed = about.tolist()
    values = octets[:n_octets].view("<f4").astype(np.float32, copy=False)
    return Delta(_text(buf, first, last), dim, fids[:n_fids], values, removed[:n_removed])


def _text(buf: Octets, begin: int, end: int) -> str:
    try:
        return buf[begin:end].tobytes().decode()
    except UnicodeDecodeError as exc:
        raise DataError(f"byte {begin} of the message: a name is not UTF-8", offset=begin) from exc


@kernel
def _read(
    buf: Octets,
    at: int,
    end: int,
    into: tuple[Fids, Octets, Fids],
    about: NDArray[np.int64],
) -> tuple[int, int]:
    """One DeltaEmbeddingHashTable: fault, and where."""
    fids, octets, removed = into
    while at < end:
        number, wire, begin, stop, after, fault = field_at(buf, at, end)
        if not fault and number == _FIDS:
            about[_N_FIDS], fault = _varints(buf, (wire, begin, stop), fids, about[_N_FIDS])
        elif not fault and number == _REMOVED:
            about[_N_REMOVED], fault = _varints(buf, (wire, begin, stop), removed, about[_N_REMOVED])
        elif not fault and number == _VALUES:
            about[_N_OCTETS], fault = _floats(buf, (wire, begin, stop), octets, about[_N_OCTETS])
        elif number == _NAME:
            about[_NAME_BEGIN], about[_NAME_END] = begin, stop
        elif number == _DIM:
            about[_WIDTH] = begin
        if fault:
            return fault, at
        at = after
    return 0, at


@kernel
def _varints(buf: Octets, value: tuple[int, int, int], out: Fids, count: int) -> tuple[int, int]:
    """Append one number, or a packed run of them; how many there are now, and the fault."""
    wire, at, stop = value
    if wire == VARINT:
        out[count] = at
        return count + 1, 0
    if wire != LENGTH:
        return count, WIRE
    while at < stop:
        word, at, fault = varint(buf, at, stop)
        if fault:
            return count, fault
        out[count] = word
        count += 1
    return count, 0


@kernel
def _floats(buf: Octets, value: tuple[int, int, int], out: Octets, count: int) -> tuple[int, int]:
    """As `_varints`, the bytes of floats."""
    wire, at, stop = value
    if wire not in (FIXED32, LENGTH):
        return count, WIRE
    if (stop - at) % 4:
        return count, CUT
    target, source = out[count:], buf[at:stop]
    for i in range(len(source)):
        target[i] = source[i]
    return count + stop - at, 0
