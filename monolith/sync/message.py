"""What goes over the wire: who sends it, the how-manieth it is, and rows."""

from __future__ import annotations

import attrs

from monolith.sync.source import Deltas
from monolith.wire import parameter_sync_pb2 as pb
from monolith.wire.push_writing import write_push


@attrs.frozen(kw_only=True)
class Letterhead:
    """What every push of a server says of it."""

    model_name: str = "default"
    signature_name: str = "serving_default"
    shard: int = 0
    shards: int = 1


@attrs.frozen(kw_only=True)
class Sheet:
    """What one push says beside its rows; see the proto."""

    sender: int
    sequence: int
    after: int
    timeout_ms: int
    step: int = 0
    as_of_ms: int = 0
    whole_begin: bool = False
    whole_end: bool = False
    partial: bool = False


@attrs.frozen
class Message:
    """A push, ready to be sent."""

    sequence: int
    body: bytes
    rows: int
    removed: int
    first: bool  # of what is sent now
    last: bool


def written(head: Letterhead, sheet: Sheet, deltas: Deltas, *, first: bool = True, last: bool) -> Message:
    """Write a push."""
    request = pb.PushRequest(
        model_name=head.model_name,
        signature_name=head.signature_name,
        timeout_in_ms=sheet.timeout_ms,
        sender=sheet.sender,
        sequence=sheet.sequence,
        after=sheet.after,
        shard=head.shard,
        shards=head.shards,
        whole_begin=sheet.whole_begin,
        whole_end=sheet.whole_end,
        partial=sheet.partial,
        as_of_ms=sheet.as_of_ms,
        step=sheet.step,
    )
    rows, removed = sum(len(d.fids) for d in deltas), sum(len(d.removed) for d in deltas)
    return Message(sheet.sequence, write_push(request, deltas), rows, removed, first, last)
