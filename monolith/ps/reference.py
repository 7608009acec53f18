"""The calls of the reference protocol whose replies can say that they failed: by a number and a sentence."""

from __future__ import annotations

from typing import TypeVar

import grpc
import numpy as np

from monolith.core.errors import BarrierMisused, DimensionMismatch, MonolithError, PsError, TableNotFound
from monolith.ps import messages
from monolith.ps.api import Found, Gradients, Lookup
from monolith.ps.barrier import Arrival
from monolith.ps.service import meet
from monolith.ps.state import ShardState
from monolith.table.config import Segment, Sgd, TableConfig, Zeros
from monolith.table.dedup import dedup
from monolith.wire import ps_training_pb2 as pb
from monolith.wire.framing import Sendable
from monolith.wire.status import row_of

R = TypeVar("R", pb.LookupResponse, pb.ApplyGradientsResponse, pb.BarrierResponse)


class ReferenceService:
    """As its clients know it: a lookup may create its table, and gradients of unknown ids are skipped.

    To our own clients it tells `frame_limit`, the largest frame that they may send.
    """

    def __init__(self, state: ShardState, frame_limit: int) -> None:
        self._state = state
        self._frame_limit = frame_limit

    def lookup(self, request: pb.LookupRequest) -> Sendable:
        try:
            return messages.lookup_response(self._look_up(messages.lookup_of(request)))
        except MonolithError as error:
            return _failed(pb.LookupResponse(), error)

    def apply(self, request: pb.ApplyGradientsRequest) -> pb.ApplyGradientsResponse:
        try:
            return self._apply(self._gradients(request))
        except MonolithError as error:
            return _failed(pb.ApplyGradientsResponse(), error)

    def barrier(self, request: pb.BarrierRequest, context: grpc.ServicerContext) -> pb.BarrierResponse:
        arrival = Arrival(request.barrier_id, request.worker_id, request.num_workers)
        try:
            meet(self._state, arrival, request.timeout_ms, context)
        except MonolithError as error:
            there = self._state.meetings.arrived(request.barrier_id)
            return _failed(pb.BarrierResponse(num_arrived=there), error)
        return pb.BarrierResponse(num_arrived=request.num_workers)

    def health(self, _request: pb.HealthCheckRequest) -> pb.HealthCheckResponse:
        return pb.HealthCheckResponse(
            status=pb.HealthCheckResponse.HEALTHY,
            message="OK",
            uptime_seconds=int(self._state.uptime_s),
            incarnation=self._state.incarnation,
            packed_fids=True,
            frame_limit=self._frame_limit,
            frame_bundles=True,
        )

    def _look_up(self, asked: Lookup) -> Found:
        """The rows of ids that may repeat; `found` says for each of them what was there before the call."""
        unique, inverse = dedup(asked.fids)
        dim = self._dim(asked)
        found = self._state.lookup([Lookup(asked.table, unique, dim, asked.create)])[0]
        return Found(found.rows[inverse], found.found[inverse], found.initialized)

    def _dim(self, asked: Lookup) -> int:
        """Row length to look up with: as asked, or the table's; an unknown table may be created for it."""
        try:
            there = self._state.dim(asked.table)
        except TableNotFound:
            there = asked.dim or self._state.default_dim or 0
            if not asked.create or not there:
                raise
            self._state.create_tables({asked.table: TableConfig([Segment(there, Zeros(), Sgd())])})
        return asked.dim or there

    def _gradients(self, request: pb.ApplyGradientsRequest) -> Gradients:
        try:
            return messages.gradients_of(request, self._state.dim(request.table_name))
        except DimensionMismatch as error:
            message = f"Gradient size mismatch: expected {error.expected}, got {error.got}"
            raise PsError(message, shard=error.shard) from error

    def _apply(self, asked: Gradients) -> pb.ApplyGradientsResponse:
        dim = asked.grads.shape[1]
        known = self._state.lookup([Lookup(asked.table, asked.fids, dim, create=False)])[0].found
        applied = self._state.apply([asked.of(known)], None)[0]
        return pb.ApplyGradientsResponse(
            num_updated=applied.updated, num_not_found=len(known) - int(np.count_nonzero(known))
        )


def _failed(reply: R, error: MonolithError) -> R:
    reply.status_code = row_of(error).in_band
    # Its clients put a preamble of their own before the problem.
    reply.error_message = error.problem if isinstance(error, BarrierMisused) else str(error)
    return reply
