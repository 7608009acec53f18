"""Ways to ask for the rows of n ids, with k requests under way: each gives requests per second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import numpy as np
from harness.wire_servers import Addresses

from monolith.core.arrays import Fids
from monolith.ps.api import Lookup
from monolith.ps.client import PsClient
from monolith.ps.limits import Limits, client_options
from monolith.ps.link import Link
from monolith.ps.remote import RemoteShard
from monolith.ps.roads import CallRoad
from monolith.table.config import Segment, Sgd, TableConfig
from monolith.wire import ps_training_pb2 as pb

Way = Callable[[Fids, int, float], Awaitable[float]]  # ids, requests under way, seconds
WITHIN_MS = 30_000


@asynccontextmanager
async def ways_to(servers: list[Addresses], dim: int) -> AsyncIterator[dict[str, Way]]:
    """Every way that there is to `servers`, which hold the same rows."""
    first = servers[0]
    async with AsyncExitStack() as end:
        ways = {"calls": await _calls(first.ps, dim, end), "stream": _stream(first.ps, dim, end)}
        if first.flight:
            ways["flight"] = _flight(first.flight, end)
        ways["echo"] = _echo(first.echo, end)
        ways["one PS"] = await _through_client([first.ps], dim, end)
        ways["two PS"] = await _through_client([server.ps for server in servers], dim, end)
        yield ways


async def _rate(ask: Callable[[], Awaitable[object]], under_way: int, seconds: float) -> float:
    began = time.perf_counter()
    done = 0

    async def keep_asking() -> None:
        nonlocal done
        while time.perf_counter() - began < seconds:
            await ask()
            done += 1

    await asyncio.gather(*(keep_asking() for _ in range(under_way)))
    return done / (time.perf_counter() - began)


def _stream(address: str, dim: int, end: AsyncExitStack) -> Way:
    shard = RemoteShard(address, shard=0)
    end.push_async_callback(shard.close)
    return lambda fids, k, seconds: _rate(lambda: shard.lookup([Lookup("t", fids, dim)]), k, seconds)


async def _calls(address: str, dim: int, end: AsyncExitStack) -> Way:
    """One call, one message, however many ids."""
    link = Link(address, 0, Limits())
    end.push_async_callback(link.close)
    ask = pb.HealthCheckRequest()
    server = await link.call("HealthCheck", ask, pb.HealthCheckResponse, within_ms=WITHIN_MS)
    road = CallRoad(link, Limits(), server)
    return lambda fids, k, seconds: _rate(lambda: road.lookup([Lookup("t", fids, dim)]), k, seconds)


async def _through_client(addresses: list[str], dim: int, end: AsyncExitStack) -> Way:
    client = PsClient([RemoteShard(address, shard=i) for i, address in enumerate(addresses)])
    end.push_async_callback(client.close)
    await client.create_tables({"t": TableConfig([Segment(dim, optimizer=Sgd())])})
    return lambda fids, k, seconds: _rate(lambda: client.lookup({"t": fids}, unique=True), k, seconds)


def _echo(address: str, end: AsyncExitStack) -> Way:
    channel = grpc.aio.insecure_channel(address, options=client_options(Limits()))
    end.push_async_callback(channel.close)
    call = channel.stream_stream("/bench/Echo")()

    async def rate(fids: Fids, under_way: int, seconds: float) -> float:
        body = fids.tobytes()
        for _ in range(under_way - 1):
            await call.write(body)

        async def ask() -> None:
            await call.write(body)
            await call.read()

        figure = await _rate(ask, 1, seconds)
        for _ in range(under_way - 1):
            await call.read()
        return figure

    return rate


def _flight(address: str, end: AsyncExitStack) -> Way:
    import pyarrow as pa
    from pyarrow import flight

    client = end.enter_context(flight.connect(address))
    writer, reader = client.do_exchange(flight.FlightDescriptor.for_command(b"t"))
    end.callback(writer.close)
    writer.begin(pa.schema([("ids", pa.int64())]))

    def put(fids: Fids) -> None:
        writer.write_batch(pa.record_batch([pa.array(fids)], names=["ids"]))

    def take() -> Any:
        return reader.read_chunk().data.column(0).values.to_numpy()

    def rate(fids: Fids, under_way: int, seconds: float) -> float:
        began, done = time.perf_counter(), 0
        for _ in range(under_way):
            put(fids)
        while time.perf_counter() - began < seconds:
            take()
            put(fids)
            done += 1
        for _ in range(under_way):
            take()
        return (done + under_way) / (time.perf_counter() - began)

    async def threaded(fids: Fids, under_way: int, seconds: float) -> float:
        return await asyncio.to_thread(rate, fids, under_way, seconds)

    return threaded


def some_ids(count: int, rows: int) -> Fids:
    return np.random.default_rng(count).permutation(rows)[:count].astype(np.int64)
