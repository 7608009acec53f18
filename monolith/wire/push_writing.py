"""A PushRequest written from arrays, packed and without a copy in a message: what `pushes` reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monolith.wire import parameter_sync_pb2 as pb
from monolith.wire.emit import varints
from monolith.wire.framing import Framed
from monolith.wire.pushes import Delta

_DELTAS = pb.PushRequest.DELTA_HASH_TABLES_FIELD_NUMBER
_Delta = pb.PushRequest.DeltaEmbeddingHashTable


def write_push(head: pb.PushRequest, deltas: Sequence[Delta]) -> bytes:
    """The serialized request that says what `head` says, and has `deltas` for its tables."""
    framed = Framed(head)
    for delta in deltas:
        framed.nest(_DELTAS, _framed(delta))
    return framed.SerializeToString()


def _framed(delta: Delta) -> Framed:
    framed = Framed(_Delta(unique_id=delta.table, dim_size=delta.dim))
    if len(delta.fids):
        framed.put(_Delta.FIDS_FIELD_NUMBER, varints(delta.fids))
        values = np.ascontiguousarray(delta.values, "<f4")
        framed.put(_Delta.EMBEDDINGS_FIELD_NUMBER, values.reshape(-1).view(np.uint8).data)
    if len(delta.removed):
        framed.put(_Delta.REMOVED_FIELD_NUMBER, varints(delta.removed))
    return framed
