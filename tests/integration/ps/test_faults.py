"""Servers that die, stall or lose replies, and what a client makes of it."""

from __future__ import annotations

import asyncio
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from subprocess import PIPE

import grpc
import numpy as np
import pytest

from monolith.core.errors import (
    BarrierTimedOut,
    GradientNotFinite,
    RemoteError,
    ShardRestarted,
    ShardUnavailable,
)
from monolith.ps import frames
from monolith.ps.api import Gradients, Lookup, Stamp
from monolith.ps.barriers import PsBarrier
from monolith.ps.blocking import BlockingClient
from monolith.ps.calls import Calls
from monolith.ps.client import PsClient
from monolith.ps.connect import connect_all
from monolith.ps.exchange import Exchange, Send
from monolith.ps.found_frame import found_of
from monolith.ps.frame_service import FrameService
from monolith.ps.handlers import handlers
from monolith.ps.limits import EXCHANGE, SERVICE, Limits
from monolith.ps.remote import RemoteShard
from monolith.ps.shard import LocalShard
from monolith.table.config import Segment, Sgd, TableConfig, Zeros
from monolith.wire.status import code_of
from tests.integration.discovery.forwarder import Forwarder
from tests.integration.ps.conftest import Cluster, stalled

COUNTING = {"t": TableConfig([Segment(1, Zeros(), Sgd(1.0))])}
FIDS = np.arange(100)
IMPATIENT = Limits(call_ms=500, attempts=2)
NARROW = Limits(message=24_000, chunk=19_000)  # which two requests of 1,500 ids do not pass together

UNSTOPPED = """
import asyncio, sys
from monolith.ps.server import PsServer
from monolith.ps.shard import LocalShard

async def main():
    server = PsServer(LocalShard(0), "127.0.0.1:0")
    print(await server.start(), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    raise SystemExit(3)

asyncio.run(main())
"""


def ones(count: int = 100) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {"t": (np.arange(count), np.ones((count, 1), np.float32))}


def test_two_servers_and_many_ids(cluster: Cluster) -> None:
    """More ids than fit into a message, so that each server is asked in several."""
    small = Limits(message=64 << 10, chunk=32 << 10)
    shards = [LocalShard(i) for i in range(2)]
    remotes = [cluster.remote(cluster.serve(s, limits=small), i, small) for i, s in enumerate(shards)]
    client = PsClient(remotes, worker=1)
    fids = np.random.default_rng(0).integers(-(2**40), 2**40, 200_000)

    async def play() -> None:
        await client.create_tables(COUNTING)
        await client.apply({"t": (fids, (fids % 1000).astype(np.float32).reshape(-1, 1))})
        rows = (await client.lookup({"t": fids}, create=False))["t"]
        stats = await client.stats()
        assert stats.rows == len(np.unique(fids))
        assert min(s.lookups for s in stats.shards) > 10
        once = np.unique(fids, return_counts=True)
        single = np.isin(fids, once[0][once[1] == 1])
        np.testing.assert_array_equal(rows[single, 0], -(fids % 1000)[single])

    cluster.run(play())


def test_threads_with_loops_of_their_own(cluster: Cluster) -> None:
    """As workers of one process do it: each has a client, and a loop behind it."""
    addresses = [cluster.serve(LocalShard(i)) for i in range(2)]

    def work(index: int) -> tuple[bytes, ...]:
        shards = [RemoteShard(address, shard=i) for i, address in enumerate(addresses)]
        with BlockingClient.local(shards) as client:
            client.create_tables(COUNTING)
            for _ in range(20):
                client.apply(ones())
            met = client.gather("done", index, 2, b"%d" % index, 30_000)
            np.testing.assert_array_equal(client.lookup({"t": FIDS})["t"], np.full((100, 1), -40))
            return met

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(work, range(2))) == [(b"0", b"1")] * 2


def test_a_restarted_server_is_noticed(cluster: Cluster) -> None:
    address = cluster.serve(LocalShard(0))
    client = PsClient([cluster.remote(address)], worker=1)
    cluster.run(client.create_tables(COUNTING))
    cluster.run(client.apply(ones()))
    cluster.kill()
    reborn = LocalShard(0)
    cluster.run(reborn.create_tables(COUNTING))
    cluster.serve(reborn, address)
    for call in (
        client.apply(ones()),
        client.lookup({"t": FIDS}),
        client.gather("b", 0, 1, b"", 1000),
        client.stats(),
    ):
        with pytest.raises(ShardRestarted, match="ps-0 was restarted and lost its rows"):
            cluster.run(call)
    assert cluster.run(reborn.stats()).tables[0].rows == 0


def test_a_dead_server_is_unavailable(cluster: Cluster) -> None:
    address = cluster.serve(LocalShard(0))
    client = PsClient([cluster.remote(address, 4, IMPATIENT)], worker=1)
    cluster.run(client.create_tables(COUNTING))
    cluster.kill()
    with pytest.raises(ShardUnavailable, match=f"ps-4 at {address} did not answer BatchLookup") as caught:
        cluster.run(client.lookup({"t": FIDS}))
    assert caught.value.shard == 4


@pytest.fixture
def blackhole() -> Iterator[str]:
    """Accepts connections and never says a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yield f"127.0.0.1:{silent.getsockname()[1]}"


def test_a_silent_server_is_given_up(cluster: Cluster, blackhole: str) -> None:
    remote = cluster.remote(blackhole, limits=IMPATIENT)
    began = time.monotonic()
    with pytest.raises(ShardUnavailable, match=f"ps-0 at {blackhole} did not answer HealthCheck within 0"):
        cluster.run(remote.stats())
    assert time.monotonic() - began < 10


def test_greeting_nobody_is_one_sentence(cluster: Cluster) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        there = cluster.serve(LocalShard(0))
        shards = [cluster.remote(there), cluster.remote(address, 1, IMPATIENT)]
        with pytest.raises(ShardUnavailable) as caught:
            cluster.run(connect_all(shards, [there, address], 10_000))
    assert str(caught.value) == f"Connection failed to {address}: Connection refused"
    assert caught.value.shard == 1


def test_greeting_a_silent_server_ends(cluster: Cluster, blackhole: str) -> None:
    with pytest.raises(ShardUnavailable, match=f"^Connection failed to {blackhole}: "):
        cluster.run(cluster.remote(blackhole, limits=IMPATIENT).connect())


def test_a_line_that_dies_in_silence_is_replaced(cluster: Cluster) -> None:
    """As when a machine loses its power, and another takes its address: no connection is closed."""
    shard = LocalShard(0)
    way = Forwarder(int(cluster.serve(shard).rpartition(":")[2]))
    alert = Limits(ping_every_ms=200, ping_answer_ms=300)
    client = PsClient([cluster.remote(f"127.0.0.1:{way.port}", limits=alert)], worker=1)
    cluster.run(client.create_tables(COUNTING))
    cluster.run(client.apply(ones()))
    way.lose()
    cluster.run(client.apply(ones()))  # else it ends with its deadline, after 30 s
    np.testing.assert_array_equal(cluster.run(client.lookup({"t": FIDS}))["t"], np.full((100, 1), -2))
    way.close()


def test_a_stalling_server_is_given_up(cluster: Cluster) -> None:
    """It has the request, and answers too late."""
    shard = LocalShard(0)
    client = PsClient([cluster.remote(cluster.serve(shard), limits=IMPATIENT)], worker=1)
    cluster.run(client.create_tables(COUNTING))
    with stalled(shard, "t"), pytest.raises(ShardUnavailable, match="BatchApplyGradients"):
        cluster.run(client.apply(ones()))


def test_a_stalling_barrier_times_out(cluster: Cluster) -> None:
    """Its server was greeted, and says nothing more: the barrier ends before the call's own deadline."""
    shard = LocalShard(0)
    client = PsClient([cluster.remote(cluster.serve(shard))])
    cluster.run(client.stats())
    barrier = PsBarrier(client, 100, margin_ms=200)
    with shard.state.meetings._lock, pytest.raises(BarrierTimedOut, match="no answer about b within 300ms"):
        cluster.run(barrier.wait("b", 0, 2))


@pytest.mark.parametrize(("table", "ids"), [("t", 5_000), ("wide", 100)], ids=["request", "answer"])
def test_what_is_oversized_fails_alone(cluster: Cluster, table: str, ids: int) -> None:
    """A client that asks for more than the server sends, or sends more than it takes."""
    limits = Limits(message=16 << 10, chunk=8 << 10)
    remote = cluster.remote(cluster.serve(LocalShard(0), limits=limits))

    async def play() -> None:
        await remote.create_tables(COUNTING | {"wide": TableConfig([Segment(64)])})
        small, large = [Lookup("t", FIDS, 1)], [Lookup(table, np.arange(ids), 64 if table == "wide" else 1)]
        asked = [remote.lookup(small), remote.lookup(large), remote.lookup(small)]
        before, refused, after = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(refused, RemoteError)
        assert "with RESOURCE_EXHAUSTED: Sent message larger than max" in str(refused)
        assert len(before[0].rows) == len(after[0].rows) == len(FIDS)

    cluster.run(play())


@pytest.mark.parametrize("ours", [Limits(), NARROW], ids=["ours_large", "ours_small"])
@pytest.mark.parametrize("theirs", [Limits(), NARROW], ids=["theirs_large", "theirs_small"])
def test_what_is_small_alone_is_not_too_large_together(
    cluster: Cluster, ours: Limits, theirs: Limits
) -> None:
    remote = cluster.remote(cluster.serve(LocalShard(0), limits=theirs), limits=ours)
    fids = np.arange(1500)
    updates = [Gradients("t", fids, np.ones((len(fids), 1), np.float32))]

    async def play() -> None:
        await remote.create_tables(COUNTING)
        await asyncio.gather(*(remote.lookup([Lookup("t", fids, 1)]) for _ in range(50)))
        await asyncio.gather(*(remote.apply(updates, Stamp(1, n)) for n in range(50)))
        (found,) = await remote.lookup([Lookup("t", fids, 1)])
        assert (found.rows == found.rows[0]).all()
        assert abs(found.rows[0]) == 50

    cluster.run(play())


class Lossy(grpc.GenericRpcHandler):
    """Does what it is asked, and then often fails to say so."""

    def __init__(self, inner: grpc.GenericRpcHandler, dice: random.Random) -> None:
        self._inner = inner
        self._dice = dice
        self.lost = 0

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        handler = self._inner.service(details)

        def behave(body: bytes, context: grpc.ServicerContext) -> bytes:
            reply = handler.unary_unary(body, context)
            if self._loses():
                context.abort(grpc.StatusCode.UNAVAILABLE, "the reply was lost")
            return reply

        def exchange(frames: Iterator[bytes], context: grpc.ServicerContext, send: Send) -> None:
            def often_send(frame: bytes | None) -> None:
                if self._loses():
                    context.cancel()
                send(frame)

            handler.stream_stream(frames, context, often_send)

        exchange.experimental_non_blocking = True
        if handler.request_streaming:
            return grpc.stream_stream_rpc_method_handler(exchange)
        return grpc.unary_unary_rpc_method_handler(behave)

    def _loses(self) -> bool:
        lost = self._dice.random() < 0.3
        self.lost += lost
        return lost


@pytest.mark.parametrize(("ids", "chunk"), [(100, 400), (50_000, 2 << 20)], ids=["in_pieces", "large"])
def test_lost_replies_count_once(cluster: Cluster, ids: int, chunk: int) -> None:
    """Through grpc's retries and our own: each gradient counts once, each worker is at the barrier once."""
    shard = LocalShard(0)
    calls = Calls()
    exchange = Exchange(FrameService(shard.state, Limits().message), calls)
    lossy = Lossy(handlers(shard.state, ThreadPoolExecutor(4), calls, exchange), random.Random(3))
    server = grpc.server(ThreadPoolExecutor(8), handlers=[lossy])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    limits = Limits(chunk=chunk)
    workers = [PsClient([cluster.remote(f"127.0.0.1:{port}", limits=limits)], worker=w) for w in (1, 2)]

    async def work(index: int) -> None:
        await workers[index].create_tables(COUNTING)
        for number in range(5):
            await workers[index].apply(ones(ids))
            met = await workers[index].gather(f"round-{number}", index, 2, b"%d" % index, 30_000)
            assert met == (b"0", b"1")

    async def play() -> np.ndarray:
        await asyncio.gather(work(0), work(1))
        return (await workers[0].lookup({"t": np.arange(ids)}))["t"]

    try:
        np.testing.assert_array_equal(cluster.run(play()), np.full((ids, 1), -10))
        assert lossy.lost > 3
    finally:
        server.stop(0).wait()
        exchange.join(30)


def test_a_stalling_chunk_fails_alone(cluster: Cluster) -> None:
    """Its neighbours on the same stream are answered, also while it stands."""
    shard = LocalShard(0)
    remote = cluster.remote(cluster.serve(shard), limits=IMPATIENT)
    cluster.run(remote.create_tables(COUNTING | {"slow": COUNTING["t"]}))

    async def play() -> None:
        slow = asyncio.ensure_future(remote.lookup([Lookup("slow", np.arange(50_000), 1)]))
        while not slow.done():
            assert len((await remote.lookup([Lookup("t", FIDS, 1)]))[0].rows) == len(FIDS)
        with pytest.raises(ShardUnavailable, match=r"not answer BatchLookup within 0\.\d s \(Deadline Ex"):
            await slow

    with stalled(shard, "slow"):
        cluster.run(play())


def test_one_bad_chunk_fails_its_call(cluster: Cluster) -> None:
    """The others of the call may have been made, and the stream goes on."""
    small = Limits(chunk=1 << 10)
    client = PsClient([cluster.remote(cluster.serve(LocalShard(0)), limits=small)], worker=1)
    grads = np.ones((1000, 1), np.float32)
    grads[700] = np.nan

    async def play() -> None:
        await client.create_tables(COUNTING)
        with pytest.raises(GradientNotFinite, match="the gradient of fid 700 "):
            await client.apply({"t": (np.arange(1000), grads)}, unique=True)
        assert (await client.lookup({"t": np.array([700])}))["t"] == 0

    cluster.run(play())


def test_frames_of_others_are_explained(cluster: Cluster) -> None:
    """A frame that is none is answered, and the stream goes on."""
    address = cluster.serve(LocalShard(0))
    frame = b"\x01" * 8 + b"".join(frames.Request(0, lookups=[]).parts())
    with grpc.insecure_channel(address) as channel:
        exchange = channel.stream_stream(f"/{SERVICE}/{EXCHANGE}")
        answers = list(exchange(iter([b"?", b"\x02" * 8 + bytes(91), frame]), timeout=30))
    code, told = code_of(frames.refusal_of(answers[1]) or b"")
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert told == "the frame cannot be read: a frame of kind 0 is no request"
    assert found_of(answers[2]) == []


@pytest.mark.parametrize("frames", [True, False])
def test_stopping_leaves_what_is_stuck(cluster: Cluster, frames: bool) -> None:
    shard = LocalShard(0)
    remote = cluster.remote(cluster.serve(shard, frames=frames), limits=IMPATIENT)
    cluster.run(shard.create_tables(COUNTING))
    with stalled(shard, "t"):
        with pytest.raises(ShardUnavailable):
            cluster.run(remote.lookup([Lookup("t", FIDS, 1)]))
        cluster.run(asyncio.wait_for(cluster._servers.pop().stop(0.5), 10))


def test_nobody_stopped_and_it_exits(cluster: Cluster) -> None:
    """A program that ends for another reason is not held by a client that keeps its stream."""
    with subprocess.Popen([sys.executable, "-c", UNSTOPPED], stdin=PIPE, stdout=PIPE, text=True) as process:
        try:
            assert process.stdin
            assert process.stdout
            client = PsClient([cluster.remote(process.stdout.readline().strip())], worker=1)
            cluster.run(client.create_tables(COUNTING))
            cluster.run(client.lookup({"t": FIDS}))
            process.stdin.close()
            assert process.wait(30) == 3
        finally:
            process.kill()


def test_stopping_ends_idle_streams(cluster: Cluster) -> None:
    """A client that keeps its stream does not use up the server's grace."""
    shard = LocalShard(0)
    remote = cluster.remote(cluster.serve(shard), limits=IMPATIENT)
    cluster.run(remote.create_tables(COUNTING))
    cluster.run(remote.lookup([Lookup("t", FIDS, 1)]))
    cluster.run(asyncio.wait_for(cluster._servers.pop().stop(60), 15))
    with pytest.raises(ShardUnavailable):
        cluster.run(remote.lookup([Lookup("t", FIDS, 1)]))
