"""What a server is to programs that nobody here wrote, and how it starts and stops."""

from __future__ import annotations

import asyncio
import collections
import random
import socket
import urllib.request
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from monolith.core.errors import ConfigError, LaunchError, ShardUnavailable
from monolith.ps.api import Lookup
from monolith.ps.limits import SERVICE
from monolith.ps.server import CLOSING_S
from monolith.ps.shard import LocalShard
from monolith.table.config import Segment, TableConfig
from monolith.wire import ps_training_pb2 as pb
from monolith.wire.status import DETAILS
from tests.integration.ps.conftest import Cluster, stalled

TABLE = TableConfig([Segment(2)])
METHODS = list(pb.DESCRIPTOR.services_by_name["ParameterServerTraining"].methods)


def test_reflection_lists_the_services(channel: grpc.Channel) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)
    assert {SERVICE, "grpc.health.v1.Health"} <= set(database.get_services())
    described = DescriptorPool(database).FindServiceByName(SERVICE)
    assert "BatchLookup" in described.methods_by_name


@pytest.mark.parametrize("service", ["", SERVICE])
def test_health_says_serving(channel: grpc.Channel, service: str) -> None:
    reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    assert reply.status == health_pb2.HealthCheckResponse.SERVING


def test_every_method_is_served(channel: grpc.Channel) -> None:
    for method in METHODS:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(f"/{SERVICE}/{method.name}")(b"\xff", timeout=30)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT, method.name


def test_a_malformed_body_is_explained(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(f"/{SERVICE}/BatchLookup")(b"\xff", timeout=30)
    trailing = dict(caught.value.trailing_metadata())
    info = ErrorInfo()
    assert Status.FromString(trailing[DETAILS]).details[0].Unpack(info)
    assert (info.reason, info.domain) == ("MALFORMED", "monolith")
    assert caught.value.details() == "the request is not a monolith.ps_training.BatchLookupRequest"


def test_it_lives_through_garbage(channel: grpc.Channel) -> None:
    """Garbage that parses by chance may be refused for what it says, but is never a crash."""
    dice = random.Random(7)
    whole = pb.BatchLookupRequest(requests=[pb.LookupRequest(table_name="t", fids=range(9), dim_size=2)])
    told = collections.Counter()
    for _ in range(3000):
        method = dice.choice([m for m in METHODS if m.name not in {"Barrier", "Gather"}])
        body = dice.choice([dice.randbytes, lambda n: whole.SerializeToString()[:n]])(dice.randrange(1, 25))
        call = channel.unary_unary(f"/{SERVICE}/{method.name}").future(body, timeout=30)
        told[parses(method, body), call.code()] += 1
    assert {code for parsed, code in told if not parsed} == {grpc.StatusCode.INVALID_ARGUMENT}
    assert told[False, grpc.StatusCode.INVALID_ARGUMENT] > 1000
    assert {code for parsed, code in told if parsed} <= {
        grpc.StatusCode.OK,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.FAILED_PRECONDITION,
    }
    assert channel.unary_unary(f"/{SERVICE}/HealthCheck")(b"", timeout=30)


def parses(method: object, body: bytes) -> bool:
    try:
        getattr(pb, method.input_type.name).FromString(body)
    except DecodeError:
        return False
    return True


@pytest.mark.parametrize("flag", ["--bind-addr", "--metrics-port"])
def test_a_taken_port_is_one_sentence(cluster: Cluster, flag: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        asked = {"--bind-addr": {"address": f"127.0.0.1:{port}"}, "--metrics-port": {"metrics_port": port}}
        with pytest.raises(LaunchError) as caught:
            cluster.serve(LocalShard(0), **asked[flag])
    assert str(caught.value).endswith(f" on 127.0.0.1:{port}: Address already in use; choose another {flag}")


def test_a_bad_address_is_refused(cluster: Cluster) -> None:
    with pytest.raises(ConfigError, match="--bind-addr 'localhost' has no port"):
        cluster.serve(LocalShard(0), "localhost")


def test_a_socket_in_the_file_system(cluster: Cluster, shard: LocalShard, tmp_path: Path) -> None:
    address = cluster.serve(shard, f"unix:{tmp_path}/ps.sock")
    assert address == f"unix:{tmp_path}/ps.sock"
    remote = cluster.remote(address)
    cluster.run(remote.create_tables({"t": TABLE}))
    assert cluster.run(remote.lookup([Lookup("t", np.arange(5), 2)]))[0].rows.shape == (5, 2)


def test_a_socket_has_one_server(cluster: Cluster, shard: LocalShard, tmp_path: Path) -> None:
    address = cluster.serve(shard, f"unix:{tmp_path}/ps.sock")
    with pytest.raises(LaunchError, match=r"ps.sock: it is in use; choose another path"):
        cluster.serve(LocalShard(1), address)
    remote = cluster.remote(address)
    cluster.run(remote.connect())
    assert remote.incarnation == shard.incarnation


@pytest.mark.parametrize("path", ["ps.sock", "/" + 108 * "x", ""])
def test_a_bad_path_is_refused(cluster: Cluster, path: str) -> None:
    with pytest.raises(ConfigError, match="write unix:/path, absolute and of at most 107 bytes"):
        cluster.serve(LocalShard(0), f"unix:{path}")


def test_a_path_without_folder_is_told(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match="No such file or directory; choose another path"):
        cluster.serve(LocalShard(0), f"unix:{tmp_path}/nowhere/ps.sock")


def test_waiting_workers_block_nobody(cluster: Cluster, shard: LocalShard) -> None:
    """Far more workers wait than there are threads for lookups."""
    remote = cluster.remote(cluster.serve(shard))

    async def play() -> None:
        await remote.create_tables({"t": TABLE})
        waiting = [asyncio.ensure_future(remote.gather("b", w, 101, b"", 30_000)) for w in range(100)]
        async with asyncio.timeout(30):
            while shard.state.meetings.arrived("b") < 100:
                await asyncio.sleep(0.01)
        assert await remote.lookup([Lookup("t", np.array([1]), 2)])
        await remote.gather("b", 100, 101, b"", 30_000)
        await asyncio.gather(*waiting)

    cluster.run(play())


def test_stopping_sends_waiters_away(cluster: Cluster, shard: LocalShard) -> None:
    remote = cluster.remote(cluster.serve(shard))

    async def play() -> None:
        waiting = asyncio.ensure_future(remote.gather("b", 0, 2, b"", 60_000))
        async with asyncio.timeout(30):
            while not shard.state.meetings.arrived("b"):
                await asyncio.sleep(0.01)
        await cluster._servers.pop().stop(30)
        with pytest.raises(ShardUnavailable):
            await waiting

    cluster.run(play())


def test_stopping_answers_what_is_under_way(cluster: Cluster, shard: LocalShard) -> None:
    """Also where that takes longer than clients have to close their connections."""
    remote = cluster.remote(cluster.serve(shard))

    async def play() -> None:
        server = cluster._servers.pop()
        await remote.create_tables({"t": TABLE})
        await asyncio.to_thread(server._calls.wait_for_none, 30)
        with stalled(shard, "t"):
            asked = asyncio.ensure_future(remote.lookup([Lookup("t", np.array([1]), 2)]))
            async with asyncio.timeout(30):
                while not server._calls._under_way:
                    await asyncio.sleep(0.01)
            stopping = asyncio.ensure_future(server.stop(30))
            await asyncio.sleep(3 * CLOSING_S)
            assert not stopping.done()
        assert (await asked)[0].rows.shape == (1, 2)
        await asyncio.wait_for(stopping, 15)

    cluster.run(play())


def test_stopping_waits_for_no_silent_client(cluster: Cluster, shard: LocalShard) -> None:
    """One that stands still keeps its connection, and would have the server use up its grace."""
    preface, settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    host, _, port = cluster.serve(shard).rpartition(":")
    with socket.create_connection((host, int(port))) as silent:
        silent.sendall(preface + settings)
        assert silent.recv(9)
        cluster.run(asyncio.wait_for(cluster._servers.pop().stop(60), 15))


def test_prometheus_reads_the_figures(cluster: Cluster, shard: LocalShard) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    remote = cluster.remote(cluster.serve(shard, metrics_port=port))
    cluster.run(remote.create_tables({"t": TABLE}))
    cluster.run(remote.lookup([Lookup("t", np.arange(5), 2)]))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        told = page.read().decode()
    assert 'monolith_ps_rows{table="t"} 5.0' in told
    assert 'monolith_ps_not_finite_total{table="t"} 0.0' in told
    assert 'monolith_ps_ids_total{operation="lookup"} 5.0' in told
    assert 'monolith_ps_call_seconds_count{operation="lookup"} 1.0' in told
