"""A client of the reference protocol, made from nothing but its field numbers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from monolith.ps.barrier import Arrival
from monolith.ps.shard import LocalShard
from tests.integration.ps.conftest import Cluster

MESSAGES = {
    "LookupRequest": "table_name:string fids:int64* dim_size:int32 create_if_missing:bool timeout_ms:int64",
    "LookupResponse": "status_code:int32 error_message:string embeddings:float* found:bool* num_found:int32 "
    "num_initialized:int32",
    "ApplyGradientsRequest": "table_name:string fids:int64* gradients:float* dim_size:int32 "
    "learning_rate:float global_step:int64 timeout_ms:int64",
    "ApplyGradientsResponse": "status_code:int32 error_message:string num_updated:int32 num_not_found:int32",
    "BarrierRequest": "barrier_id:string worker_id:int32 num_workers:int32 timeout_ms:int64",
    "BarrierResponse": "status_code:int32 error_message:string num_arrived:int32",
    "HealthCheckRequest": "component:string",
    "HealthCheckResponse": "status:int32 message:string uptime_seconds:int64",
    "GetStatsRequest": "include_table_stats:bool",
    "GetStatsResponse": "shard_id:int32 total_embeddings:int64 memory_bytes:int64 table_stats:bytes* "
    "lookup_count:int64 apply_gradients_count:int64",
}
Call = Callable[..., Any]


def reference_pool() -> DescriptorPool:
    file = FileDescriptorProto(name="reference.proto", package="reference", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field in enumerate(fields.split(), 1):
            word, kind = field.split(":")
            label = Field.LABEL_REPEATED if kind.endswith("*") else Field.LABEL_OPTIONAL
            typed = getattr(Field, f"TYPE_{kind.rstrip('*').upper()}")
            message.field.add(name=word, number=number, label=label, type=typed)
    pool = DescriptorPool()
    pool.Add(file)
    return pool


POOL = reference_pool()


@pytest.fixture
def call(channel: grpc.Channel) -> Call:
    return caller(channel)


def caller(channel: grpc.Channel) -> Call:
    def ask(method: str, **fields: object) -> Any:
        request, reply = (
            GetMessageClass(POOL.FindMessageTypeByName(f"reference.{method}{kind}"))
            for kind in ("Request", "Response")
        )
        path = f"/monolith.ps_training.ParameterServerTraining/{method}"
        send = channel.unary_unary(path, request.SerializeToString, reply.FromString)
        return send(request(**fields), timeout=30)

    return ask


def look_up(call: Call, fids: list[int], *, dim: int = 2, create: bool = True) -> Any:
    return call("Lookup", table_name="t", fids=fids, dim_size=dim, create_if_missing=create)


def test_a_lookup_may_create_its_table(call: Call) -> None:
    first = look_up(call, [1, -2, 1])
    assert (first.status_code, list(first.embeddings), list(first.found)) == (0, [0] * 6, [False] * 3)
    assert (first.num_found, first.num_initialized) == (0, 2)
    again = look_up(call, [1, 9], create=False)
    assert (list(again.found), again.num_found, again.num_initialized) == ([True, False], 1, 0)


@pytest.mark.parametrize(("default", "status", "lengths"), [(3, 0, [3, 3]), (None, 1, [0, 2])])
def test_the_server_may_know_the_length(
    cluster: Cluster, default: int | None, status: int, lengths: list[int]
) -> None:
    with grpc.insecure_channel(cluster.serve(LocalShard(0, default_dim=default))) as channel:
        first = look_up(caller(channel), [1], dim=0)
        again = look_up(caller(channel), [1], dim=0 if default else 2)
    assert first.status_code == status
    assert [len(first.embeddings), len(again.embeddings)] == lengths


def test_gradients_descend_known_rows(call: Call) -> None:
    look_up(call, [1])
    told = call(
        "ApplyGradients", table_name="t", fids=[1, 7, 1], gradients=[1, 2] * 3, dim_size=2, learning_rate=0.5
    )
    assert (told.status_code, told.num_updated, told.num_not_found) == (0, 2, 1)
    assert list(look_up(call, [1, 7], create=False).embeddings) == [-1, -2, 0, 0]


@pytest.mark.parametrize(
    ("method", "fields", "said"),
    [
        ("Lookup", {"table_name": "x", "fids": [1], "dim_size": 2}, "Table not found: x"),
        ("Lookup", {"table_name": "x", "create_if_missing": True}, "Table not found: x"),
        ("Lookup", {"table_name": "t", "fids": [1], "dim_size": 4}, "expected 2, got 4"),
        (
            "ApplyGradients",
            {"table_name": "t", "fids": [1], "gradients": [1, 2, 3]},
            "Gradient size mismatch: expected 2, got 3",
        ),
        ("ApplyGradients", {"table_name": "x", "fids": [1], "gradients": [1]}, "Table not found: x"),
    ],
)
def test_failures_travel_in_the_reply(call: Call, method: str, fields: dict[str, Any], said: str) -> None:
    look_up(call, [1])
    reply = call(method, **fields)
    assert reply.status_code == 1
    assert said in reply.error_message


@pytest.mark.parametrize(
    ("worker", "num_workers", "timeout_ms", "said"),
    [
        (0, 0, 30, "num_workers must be > 0"),
        (2, 2, 30, "worker_id 2 out of range for num_workers=2"),
        (0, 2, -5, "timeout_ms must be in 0..86400000, got -5"),
        (0, 4, 30, "Barrier b expects num_workers=3, got 4"),
        (1, 3, 30, "Worker 1 already arrived for barrier b"),
        (0, 3, 30, "Barrier timeout"),
    ],
)
def test_barriers_refuse_in_words(
    call: Call, shard: LocalShard, worker: int, num_workers: int, timeout_ms: int, said: str
) -> None:
    """One of three workers waits there already."""
    shard.state.meetings.enter(Arrival("b", 1, 3), 30_000)
    reply = call("Barrier", barrier_id="b", worker_id=worker, num_workers=num_workers, timeout_ms=timeout_ms)
    assert (reply.status_code, reply.error_message, reply.num_arrived) == (1, said, 1)


def test_everyone_at_the_barrier(call: Call) -> None:
    with ThreadPoolExecutor(3) as threads:
        for _ in range(2):
            replies = threads.map(
                lambda w: call("Barrier", barrier_id="b", worker_id=w, num_workers=3, timeout_ms=30_000),
                range(3),
            )
            assert [(r.status_code, r.num_arrived) for r in replies] == [(0, 3)] * 3


def test_a_stopping_server_cancels(call: Call, shard: LocalShard) -> None:
    shard.state.meetings.close()
    assert call("Barrier", barrier_id="b", num_workers=2, timeout_ms=30_000).status_code == 2


def test_health_and_figures(call: Call) -> None:
    look_up(call, [1, 2, 3])
    health = call("HealthCheck", component="any")
    assert (health.status, health.message) == (1, "OK")
    stats = call("GetStats", include_table_stats=True)
    assert (stats.total_embeddings, stats.lookup_count, len(stats.table_stats)) == (3, 1, 1)
    assert not call("GetStats").table_stats
