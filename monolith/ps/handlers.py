"""From bytes to a method and back: what every call has in common.

The handlers take raw bytes, so that a body which does not parse gets an answer that says so, instead of
the INTERNAL of a generated stub.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message

from monolith.core.errors import MonolithError
from monolith.ps.calls import Calls
from monolith.ps.exchange import Exchange
from monolith.ps.limits import EXCHANGE, SERVICE
from monolith.ps.reference import ReferenceService
from monolith.ps.service import Service
from monolith.ps.state import ShardState
from monolith.wire import ps_training_pb2 as pb
from monolith.wire.framing import Sendable
from monolith.wire.status import DETAILS, malformed, to_status

Behaviour = Callable[[bytes, grpc.ServicerContext], bytes]


def handlers(
    state: ShardState, waiting: ThreadPoolExecutor, calls: Calls, exchange: Exchange
) -> grpc.GenericRpcHandler:
    """Every call of the service, counted in `calls`; those that wait for other workers run on `waiting`."""
    ours, theirs = Service(state), ReferenceService(state, exchange.frame_limit)
    plain: dict[str, tuple[type[Message], Callable[[Any], Sendable]]] = {
        "Lookup": (pb.LookupRequest, theirs.lookup),
        "ApplyGradients": (pb.ApplyGradientsRequest, theirs.apply),
        "HealthCheck": (pb.HealthCheckRequest, theirs.health),
        "GetStats": (pb.GetStatsRequest, ours.stats),
        "BatchLookup": (pb.BatchLookupRequest, ours.lookup),
        "BatchApplyGradients": (pb.BatchApplyGradientsRequest, ours.apply),
        "CreateTables": (pb.CreateTablesRequest, ours.create_tables),
        "SyncDense": (pb.SyncDenseRequest, ours.sync_dense),
        "SetDense": (pb.SetDenseRequest, ours.set_dense),
        "Save": (pb.SaveRequest, ours.save),
        "Restore": (pb.RestoreRequest, ours.restore),
    }
    meeting: dict[str, tuple[type[Message], Callable[[Any, grpc.ServicerContext], Sendable]]] = {
        "Barrier": (pb.BarrierRequest, theirs.barrier),
        "Gather": (pb.GatherRequest, ours.gather),
    }
    asked = meeting | {name: (kind, _without_context(call)) for name, (kind, call) in plain.items()}
    behaviours = {name: _behaviour(kind, call, calls) for name, (kind, call) in asked.items()}
    for name in meeting:
        # grpc's own hook for calls that block: without it, as many waiting workers as there are threads
        # would keep everyone's lookups from being answered.
        behaviours[name].experimental_thread_pool = waiting  # type: ignore[attr-defined]
    unary = {name: grpc.unary_unary_rpc_method_handler(b) for name, b in behaviours.items()}
    return grpc.method_handlers_generic_handler(SERVICE, unary | {EXCHANGE: exchange.handler()})


def _behaviour(
    kind: type[Message], call: Callable[[Any, grpc.ServicerContext], Sendable], calls: Calls
) -> Behaviour:
    def behave(body: bytes, context: grpc.ServicerContext) -> bytes:
        calls.begin(context)
        try:
            return call(kind.FromString(body), context).SerializeToString()
        except DecodeError:
            message = f"the request is not a {kind.DESCRIPTOR.full_name}"
            _abort(context, message, *malformed(message))
        except MonolithError as error:
            _abort(context, str(error), *to_status(error))
        raise AssertionError("abort raises")

    return behave


def _abort(context: grpc.ServicerContext, message: str, code: grpc.StatusCode, details: bytes) -> None:
    context.set_trailing_metadata(((DETAILS, details),))
    context.abort(code, message)


def _without_context(call: Callable[[Any], Sendable]) -> Callable[[Any, grpc.ServicerContext], Sendable]:
    return lambda request, _: call(request)
