"""How fast rows come over the wire, beside an echo of the same bytes that looks nothing up.

One server process, one client process, one call at a time; then several calls in flight. Run it with
`python bench/wire.py`; figures of two runs compare only when the machine was equally idle.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

import grpc
import numpy as np

from monolith.ps.api import Lookup
from monolith.ps.limits import Limits, client_options, server_options
from monolith.ps.remote import RemoteShard
from monolith.ps.server import PsServer
from monolith.ps.shard import LocalShard
from monolith.table.config import Segment, TableConfig

DIM = 16
ROWS = 1_000_000
SIZES = (1024, 16384)
ECHO = "/bench.Echo/Lookup"
Call = Callable[[], Awaitable[object]]


def serve(ready: Connection) -> None:
    """A parameter server, and beside it one that answers with ready bytes."""
    asyncio.run(_serve(ready))


async def _serve(ready: Connection) -> None:
    shard = LocalShard(0)
    shard.state.create_tables({"t": TableConfig([Segment(DIM)])})
    for start in range(0, ROWS, 1 << 16):
        shard.state.lookup([Lookup("t", np.arange(start, min(ROWS, start + (1 << 16))), DIM)])
    server = PsServer(shard, "127.0.0.1:0")
    ready.send((await server.start(), _echo()))
    await asyncio.to_thread(ready.recv)
    await server.stop(0)


def _echo() -> str:
    server = grpc.server(ThreadPoolExecutor(4), options=server_options(Limits()))
    answers = {n: bytes(n * (4 * DIM + 1)) for n in SIZES}
    answer = grpc.unary_unary_rpc_method_handler(lambda body, _: answers[len(body) // 8])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", {"Lookup": answer}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    globals()["_kept"] = server  # a server stops when nobody holds it
    return f"127.0.0.1:{port}"


async def rates(calls: list[Call], seconds: float, in_flight: int) -> list[float]:
    """Calls per second of each, the best of five stretches taken in turn, so that noise meets all alike."""
    turns = [[await _stretch(call, seconds / 5, in_flight) for call in calls] for _ in range(5)]
    return [max(figures) for figures in zip(*turns, strict=True)]


async def _stretch(call: Call, seconds: float, in_flight: int) -> float:
    began = time.perf_counter()
    done = 0

    async def keep_asking() -> None:
        nonlocal done
        while time.perf_counter() - began < seconds:
            await call()
            done += 1

    await asyncio.gather(*(keep_asking() for _ in range(in_flight)))
    return done / (time.perf_counter() - began)


async def measure(address: str, echo: str, seconds: float) -> None:
    shard = RemoteShard(address, shard=0)
    async with grpc.aio.insecure_channel(echo, options=client_options(Limits())) as channel:
        null = channel.unary_unary(ECHO)
        print(f"{'ids':>6} {'in flight':>9} {'lookups/s':>10} {'Mids/s':>7} {'echoes/s':>9} {'ratio':>6}")
        for count in SIZES:
            fids = np.random.default_rng(count).permutation(ROWS)[:count].astype(np.int64)
            body = fids.tobytes()
            for in_flight in (1, 4):
                calls = [lambda f=fids: shard.lookup([Lookup("t", f, DIM)]), lambda b=body: null(b)]
                asked, echoed = await rates(calls, seconds, in_flight)
                ids, ratio = asked * count / 1e6, asked / echoed
                print(f"{count:>6} {in_flight:>9} {asked:>10.0f} {ids:>7.2f} {echoed:>9.0f} {ratio:>6.2f}")
    await shard.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="for each figure")
    seconds = parser.parse_args().seconds
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    asyncio.run(measure(*ours.recv(), seconds))
    ours.send("stop")
    server.join(10)


if __name__ == "__main__":
    main()
