"""Our calls of a parameter server: decode, ask the shard, encode. Failures travel as a gRPC status."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc

from monolith.core.errors import ShardRestarted
from monolith.ps import messages
from monolith.ps.api import RestoreOrder, SaveOrder
from monolith.ps.barrier import Arrival, Notes
from monolith.ps.definition import from_message
from monolith.ps.state import ShardState
from monolith.ps.stats_message import stats_response
from monolith.wire import ps_training_pb2 as pb
from monolith.wire.framing import Framed


class Service:
    """One method a call, from request to reply.

    Each raises ShardRestarted when its request was meant for a server that stood here before.
    """

    def __init__(self, state: ShardState) -> None:
        self._state = state

    def lookup(self, request: pb.BatchLookupRequest) -> Framed:
        self._judge(request)
        reply = Framed(pb.BatchLookupResponse(incarnation=self._state.incarnation))
        for found in self._state.lookup([messages.lookup_of(r) for r in request.requests]):
            reply.nest(pb.BatchLookupResponse.RESPONSES_FIELD_NUMBER, messages.lookup_response(found))
        return reply

    def apply(self, request: pb.BatchApplyGradientsRequest) -> pb.BatchApplyGradientsResponse:
        self._judge(request)
        updates = [messages.gradients_of(r, self._state.dim(r.table_name)) for r in request.requests]
        applied = self._state.apply(updates, messages.stamp_of(request))
        return pb.BatchApplyGradientsResponse(
            responses=[messages.applied_response(a) for a in applied], incarnation=self._state.incarnation
        )

    def create_tables(self, request: pb.CreateTablesRequest) -> pb.CreateTablesResponse:
        self._judge(request)
        self._state.create_tables({name: from_message(name, m) for name, m in request.tables.items()})
        return pb.CreateTablesResponse(incarnation=self._state.incarnation)

    def sync_dense(self, request: pb.SyncDenseRequest) -> pb.DenseResponse:
        self._judge(request)
        values = self._state.push_dense(messages.dense_of(request.deltas), messages.stamp_of(request))
        return pb.DenseResponse(values=messages.dense_messages(values), incarnation=self._state.incarnation)

    def set_dense(self, request: pb.SetDenseRequest) -> pb.DenseResponse:
        self._judge(request)
        values = self._state.set_dense(messages.dense_of(request.values), overwrite=request.overwrite)
        return pb.DenseResponse(values=messages.dense_messages(values), incarnation=self._state.incarnation)

    def gather(self, request: pb.GatherRequest, context: grpc.ServicerContext) -> pb.GatherResponse:
        self._judge(request)
        arrival = Arrival(
            request.barrier_id, request.worker_id, request.num_workers, request.payload, request.attempt
        )
        notes = meet(self._state, arrival, request.timeout_ms, context)
        return pb.GatherResponse(payloads=notes, incarnation=self._state.incarnation)

    def save(self, request: pb.SaveRequest) -> pb.SaveResponse:
        self._judge(request)
        files = self._state.save(SaveOrder(Path(request.folder), request.shard, request.shards))
        return pb.SaveResponse(files=messages.file_messages(files), incarnation=self._state.incarnation)

    def restore(self, request: pb.RestoreRequest) -> pb.RestoreResponse:
        self._judge(request)
        files = messages.files_of(request.files)
        order = RestoreOrder(Path(request.folder), files, request.shard, request.shards)
        return pb.RestoreResponse(rows=self._state.restore(order), incarnation=self._state.incarnation)

    def stats(self, request: pb.GetStatsRequest) -> pb.GetStatsResponse:
        self._judge(request)
        return stats_response(self._state.stats(), with_tables=request.include_table_stats)

    def _judge(self, request: Any) -> None:
        if request.incarnation not in {0, self._state.incarnation}:
            raise ShardRestarted(self._state.shard)


def meet(state: ShardState, arrival: Arrival, timeout_ms: int, context: grpc.ServicerContext) -> Notes:
    """Wait at a barrier as long as the caller is there: one that went away no longer counts as arrived."""
    seat = state.meetings.enter(arrival, timeout_ms)
    # False says that the call had ended before we could ask to be told.
    if not context.add_callback(lambda: state.meetings.give_up(seat)):
        state.meetings.give_up(seat)
    return state.meetings.wait(seat, timeout_ms)
