"""What the calls of a `Shard` look like as messages: requests from values, values from replies.

The arrays' encoding is `wire.codec`'s; here only fields meet names. `x_of` reads a message, the others
make one. What holds many rows is framed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monolith.checkpoint.files import FileEntry
from monolith.core.errors import DimensionMismatch, PsError
from monolith.ps.api import (
    Applied,
    Change,
    DenseTensors,
    Found,
    Gradients,
    Lookup,
    Stamp,
)
from monolith.ps.dense import Values
from monolith.wire import codec
from monolith.wire import ps_training_pb2 as pb
from monolith.wire.framing import Framed

_CHANGES = {
    Change.LEARN: pb.ApplyGradientsRequest.LEARN,
    Change.ASSIGN: pb.ApplyGradientsRequest.ASSIGN,
    Change.ADD: pb.ApplyGradientsRequest.ADD,
}


def lookup_request(request: Lookup, *, packed: bool) -> pb.LookupRequest:
    message = pb.LookupRequest(
        table_name=request.table,
        dim_size=request.dim,
        create_if_missing=request.create,
        afresh=request.afresh,
    )
    codec.put_fids(message, request.fids, packed=packed)
    return message


def lookup_of(message: pb.LookupRequest) -> Lookup:
    return Lookup(
        message.table_name,
        codec.fids_of(message),
        message.dim_size,
        create=message.create_if_missing,
        afresh=message.afresh,
    )


def lookup_response(found: Found) -> Framed:
    head = pb.LookupResponse(
        found=codec.flag_bytes(found.found),
        num_found=int(np.count_nonzero(found.found)),
        num_initialized=found.initialized,
    )
    message = Framed(head)
    message.put(pb.LookupResponse.EMBEDDINGS_FIELD_NUMBER, codec.float_buffer(found.rows))
    return message


def found_of(message: pb.LookupResponse, dim: int) -> Found:
    found = codec.flags_of(message.found)
    rows = codec.rows_of(message.embeddings, len(found), dim, "embeddings")
    return Found(rows, found, message.num_initialized)


def gradients_request(request: Gradients, *, packed: bool) -> Framed:
    head = pb.ApplyGradientsRequest(
        table_name=request.table,
        dim_size=request.grads.shape[1],
        learning_rates=request.learning_rates,
        global_step=request.step,
        change=_CHANGES[request.change],
    )
    codec.put_fids(head, request.fids, packed=packed)
    if request.counts is not None:
        head.counts_le = codec.word_bytes(request.counts)
    if request.times is not None:
        head.times_le = codec.word_bytes(request.times)
    message = Framed(head)
    message.put(pb.ApplyGradientsRequest.GRADIENTS_FIELD_NUMBER, codec.float_buffer(request.grads))
    if request.latest is not None:
        message.put(pb.ApplyGradientsRequest.LATEST_FIELD_NUMBER, codec.float_buffer(request.latest))
    return message


def gradients_of(message: pb.ApplyGradientsRequest, dim: int) -> Gradients:
    """The update that `message` asks for of a table of `dim`.

    Raises:
        DimensionMismatch: another number of gradients, or of latest values, than ids times `dim`; or of
            counts or times than ids.
        PsError: it asks for a change that this program does not know.
    """
    fids = codec.fids_of(message)
    grads = codec.rows_of(message.gradients, len(fids), dim, "gradients")
    rates = tuple(message.learning_rates)
    if not rates and message.learning_rate:
        rates = (message.learning_rate,)
    change = next((ours for ours, theirs in _CHANGES.items() if theirs == message.change), None)
    if change is None:
        raise PsError(f"change {message.change} of table {message.table_name} is unknown here")
    latest = codec.rows_of(message.latest, len(fids), dim, "latest") if message.latest else None
    update = Gradients(message.table_name, fids, grads, rates, message.global_step, change, latest)
    if message.counts_le:
        counts = codec.words_of(message.counts_le, len(fids), "counts").astype(np.int64)
        update = replace(update, counts=counts)
    if message.times_le:
        update = replace(update, times=codec.words_of(message.times_le, len(fids), "times"))
    return update


def applied_response(applied: Applied) -> pb.ApplyGradientsResponse:
    return pb.ApplyGradientsResponse(
        num_updated=applied.updated, num_inserted=applied.inserted, duplicate=applied.duplicate
    )


def applied_of(message: pb.ApplyGradientsResponse) -> Applied:
    return Applied(message.num_updated, message.num_inserted, message.duplicate)


def stamp_message(stamp: Stamp) -> pb.Stamp:
    return pb.Stamp(worker=stamp.worker, sequence=stamp.sequence, part=stamp.part)


def stamp_of(message: pb.BatchApplyGradientsRequest | pb.SyncDenseRequest) -> Stamp | None:
    stamp = message.stamp
    return Stamp(stamp.worker, stamp.sequence, stamp.part) if message.HasField("stamp") else None


def dense_messages(tensors: DenseTensors) -> list[pb.DenseTensor]:
    return [
        pb.DenseTensor(name=name, shape=value.shape, values=codec.float_bytes(value))
        for name, value in tensors.items()
    ]


def dense_of(messages: Iterable[pb.DenseTensor]) -> Values:
    """The arrays of `messages`, by name.

    Raises:
        DimensionMismatch: a tensor has more or fewer values than its shape says.
    """
    return {message.name: _tensor(message) for message in messages}


def _tensor(message: pb.DenseTensor) -> NDArray[np.float32]:
    values = codec.floats_of(message.values, message.name)
    shape = tuple(message.shape)
    size = math.prod(shape) if min(shape, default=0) >= 0 else -1
    if size != len(values):
        raise DimensionMismatch(size, len(values), what=f"{message.name} of shape {shape}")
    return values.reshape(shape)


def file_messages(files: Sequence[FileEntry]) -> list[pb.SavedFile]:
    return [
        pb.SavedFile(
            name=entry.name,
            kind=entry.kind,
            size=entry.size,
            crc32c=entry.crc32c,
            table=entry.table,
            shard=entry.shard,
            count=entry.count,
            slots=entry.slots,
        )
        for entry in files
    ]


def files_of(messages: Iterable[pb.SavedFile]) -> list[FileEntry]:
    return [
        FileEntry(
            name=Path(message.name).name,  # a file of the folder, whatever the sender says
            kind=message.kind,
            size=message.size,
            crc32c=message.crc32c,
            table=message.table,
            shard=message.shard,
            count=message.count,
            slots=tuple(message.slots),
        )
        for message in messages
    ]
