"""How rows come in: ParameterSyncRpc, and TensorFlow Serving's Predict with upstream's assign signature."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np

from monolith.core.arrays import whole_numbers
from monolith.core.errors import (
    ConfigError,
    DataError,
    EverythingNeeded,
    InvalidRequest,
    ModelNotFound,
    MonolithError,
    PushTooEarly,
    TablesRefused,
)
from monolith.serving.push_metrics import Outcome, PushMetrics
from monolith.serving.replica import Applied, Replica
from monolith.serving.status import answered
from monolith.wire import parameter_sync_pb2 as pb
from monolith.wire import parameter_sync_rpc_pb2 as rpc
from monolith.wire.pushes import Delta, Push, PushStatus, read_push
from monolith.wire.tensors import to_array

PARAMETER_SYNC: str = rpc.DESCRIPTOR.services_by_name["ParameterSyncRpc"].full_name
ASSIGN = ("hashtable_assign", "raw_assign")  # signatures
_IDS, _VALUES = "_id", "_value"  # what follows a table's name in that of an input

_NO_ROWS = pb.PushRequest(delta_hash_tables=[pb.PushRequest.DeltaEmbeddingHashTable()]).SerializeToString()

log = logging.getLogger(__name__)


class PushApi:
    """Takes pushes for a replica, and counts them. `clock_ms` is unix time."""

    def __init__(self, replica: Replica, metrics: PushMetrics, clock_ms: Callable[[], int]) -> None:
        self._replica = replica
        self._metrics = metrics
        self._clock_ms = clock_ms
        self.staleness_s = replica.staleness_s
        metrics.follow(self.staleness_s)
        read_push(_NO_ROWS)  # compiles the reader: no sender is to wait for that

    def handler(self) -> grpc.GenericRpcHandler:
        """What a gRPC server is given. Pushes wait for each other, so they have a thread of their own."""

        def answer(request: bytes, context: grpc.ServicerContext) -> Any:
            try:
                return self.answer(request)
            except MonolithError as exc:
                context.abort(grpc.StatusCode[answered(exc).code], str(exc))

        answer.experimental_thread_pool = ThreadPoolExecutor(1, "push")  # type: ignore[attr-defined]
        method = grpc.unary_unary_rpc_method_handler(
            answer, response_serializer=pb.PushResponse.SerializeToString
        )
        return grpc.method_handlers_generic_handler(PARAMETER_SYNC, {"Push": method})

    def answer(self, request: bytes) -> pb.PushResponse:
        """Answer a serialized PushRequest.

        Raises:
            ServerBusy: it may be sent again.
        """
        try:
            applied = self.apply(read_push(request))
        except EverythingNeeded as exc:
            return pb.PushResponse(status_code=PushStatus.SEND_EVERYTHING, error_message=str(exc))
        except PushTooEarly as exc:
            return pb.PushResponse(status_code=PushStatus.TOO_EARLY, error_message=str(exc))
        except DataError as exc:
            self._metrics.came(Outcome.REFUSED, len(request))
            return pb.PushResponse(status_code=PushStatus.REFUSED, error_message=f"not a PushRequest: {exc}")
        except (InvalidRequest, ModelNotFound) as exc:
            log.warning("a push was refused: %s", exc)
            refused = exc.tables if isinstance(exc, TablesRefused) else ()
            return pb.PushResponse(status_code=PushStatus.REFUSED, error_message=str(exc), refused=refused)
        return pb.PushResponse(status_code=PushStatus.OK, update_num=applied.rows)

    def assign(self, model: str, inputs: Mapping[str, Any]) -> Applied:
        """Set rows that come as the inputs of a Predict. Raises as `apply`, also where they are no rows."""
        return self.apply(_assigned(model, inputs))

    def apply(self, push: Push) -> Applied:
        """Apply a push, and count it. Raises as `Replica.push`."""
        outcome = Outcome.FAILED
        try:
            applied = self._replica.push(push)
            outcome = Outcome.AGAIN if applied.again else Outcome.APPLIED
        except EverythingNeeded:
            outcome = Outcome.RESEND
            raise
        except PushTooEarly:
            outcome = Outcome.EARLY
            raise
        except (InvalidRequest, ModelNotFound):
            outcome = Outcome.REFUSED
            raise
        finally:
            self._metrics.came(outcome, push.size)
        self._metrics.applied(applied.rows, applied.removed)
        if push.as_of_ms and not applied.again:
            self._metrics.lagged((self._clock_ms() - push.as_of_ms) / 1000)
        return applied


def _assigned(model: str, inputs: Mapping[str, Any]) -> Push:
    """The push in TensorProtos `<table>_id` [n] and `<table>_value` [n, dim].

    Raises:
        InvalidRequest: they are not that.
    """
    size = sum(tensor.ByteSize() for tensor in inputs.values())
    return Push(model=model, deltas=_deltas(inputs), size=size)


def _deltas(inputs: Mapping[str, Any]) -> list[Delta]:
    arrays = {name: to_array(name, tensor) for name, tensor in inputs.items()}
    tables = [name.removesuffix(_IDS) for name in arrays if name.endswith(_IDS)]
    for name in arrays.keys() ^ {table + suffix for table in tables for suffix in (_IDS, _VALUES)}:
        told = "is missing" if name not in arrays else "is not known"
        raise InvalidRequest(f"input {name!r} {told}: give <table>{_IDS} and <table>{_VALUES}", input=name)
    return [_delta(table, arrays[table + _IDS], arrays[table + _VALUES]) for table in tables]


def _delta(table: str, fids: Any, values: Any) -> Delta:
    if values.ndim != 2 or values.dtype != np.float32:
        raise InvalidRequest(
            f"input {table + _VALUES!r} is {values.dtype} {list(values.shape)}: give float [n, dim]",
            input=table + _VALUES,
        )
    try:
        ids = whole_numbers(fids, table + _IDS).reshape(-1)
    except ConfigError as exc:
        raise InvalidRequest(f"input {table + _IDS!r}: {exc}", input=table + _IDS) from exc
    return Delta(table, values.shape[1], ids, values.reshape(-1), np.empty(0, np.int64))
