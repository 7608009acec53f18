"""What messages and ids cost a worker and a server, in processor time, over gRPC on loopback.

Processor time, not elapsed time: it can be told apart for the two sides, and it grows little when somebody
else uses the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from harness import loads
from harness.scaling_model import Cost, fitted

from monolith.ps.client import PsClient
from monolith.ps.remote import RemoteShard
from monolith.ps.server import PsServer
from monolith.ps.shard import LocalShard
from monolith.table.config import Adagrad, Segment, TableConfig

TABLE, FILLED_WITH = "t", 1 << 16
IN_FLIGHT, ANSWER_WITHIN_S = 4, 60
Call = Callable[[np.ndarray], Awaitable[object]]


@dataclass(frozen=True)
class Taken:
    """By one call, in seconds."""

    elapsed: float
    worker: float
    server: float  # of all servers together


class Servers:
    """Processes that serve a shard each; `client` sees them all."""

    def __init__(self, count: int) -> None:
        fresh = multiprocessing.get_context("spawn")
        pipes = [fresh.Pipe() for _ in range(count)]
        self._pipes = [ours for ours, _ in pipes]
        self._processes = [fresh.Process(target=_serve, args=(theirs,), daemon=True) for _, theirs in pipes]
        for process in self._processes:
            process.start()
        addresses = [self._said(pipe) for pipe in self._pipes]
        self.client = PsClient([RemoteShard(str(a), shard=n) for n, a in enumerate(addresses)])

    def processor_s(self) -> float:
        """Processor seconds that the servers have used so far."""
        for pipe in self._pipes:
            pipe.send("time")
        return sum(float(self._said(pipe)) for pipe in self._pipes)

    async def close(self) -> None:
        await self.client.close()
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            pipe.send("stop")
            process.join(ANSWER_WITHIN_S)

    def _said(self, pipe: Connection) -> Any:
        if not pipe.poll(ANSWER_WITHIN_S):
            raise TimeoutError(f"a server said nothing for {ANSWER_WITHIN_S} s")
        return pipe.recv()


def _serve(pipe: Connection) -> None:
    asyncio.run(_serving(pipe))


async def _serving(pipe: Connection) -> None:
    server = PsServer(LocalShard(0), "127.0.0.1:0")
    pipe.send(await server.start())
    while await asyncio.to_thread(pipe.recv) == "time":
        pipe.send(time.process_time())
    await server.stop(0)


@contextlib.asynccontextmanager
async def filled(count: int, rows: int, dim: int) -> AsyncIterator[Servers]:
    """So many servers that share a table of `rows` rows."""
    servers = Servers(count)
    try:
        await servers.client.create_tables({TABLE: TableConfig((Segment(dim, optimizer=Adagrad()),))})
        fids = loads.fids(rows)
        for at in range(0, rows, FILLED_WITH):
            await servers.client.lookup({TABLE: fids[at : at + FILLED_WITH]}, unique=True)
        yield servers
    finally:
        await servers.close()


def steps(client: PsClient, dim: int) -> dict[str, Call]:
    """What a training step asks of the servers; ids are distinct."""
    grads = np.full((1 << 17, dim), 0.01, np.float32)
    return {
        "lookup": lambda ids: client.lookup({TABLE: ids}, unique=True),
        "apply": lambda ids: client.apply({TABLE: (ids, grads[: len(ids)])}, unique=True),
    }


async def cost_of(servers: Servers, call: Call, queries: list[np.ndarray], seconds: float) -> Taken:
    """One call among several in flight, for about so many seconds."""
    for query in queries[:2]:
        await call(query)
    before, began, mine, done = servers.processor_s(), time.perf_counter(), time.process_time(), 0

    async def keep_asking(lane: int) -> None:
        nonlocal done
        while time.perf_counter() - began < seconds:
            await call(queries[(lane + done) % len(queries)])
            done += 1

    await asyncio.gather(*(keep_asking(lane) for lane in range(IN_FLIGHT)))
    elapsed, used = time.perf_counter() - began, time.process_time() - mine
    return Taken(elapsed / done, used / done, (servers.processor_s() - before) / done)


async def measured(
    sizes: tuple[int, ...], rows: int, dim: int, seconds: float
) -> dict[str, tuple[Cost, Cost]]:
    """Costs of the worker and of the server, by kind of call."""
    random, fids = np.random.default_rng(0), loads.fids(rows)
    async with filled(1, rows, dim) as servers:
        costs = {}
        for name, call in steps(servers.client, dim).items():
            taken = []
            for size in sizes:
                queries = [fids[random.choice(rows, size, replace=False)] for _ in range(8)]
                taken.append(await cost_of(servers, call, queries, seconds))
            costs[name] = (fitted(sizes, [t.worker for t in taken]), fitted(sizes, [t.server for t in taken]))
        return costs


async def rate(count: int, batch: int, rows: int, dim: int, seconds: float) -> float:
    """Ids a second that one worker really looks up at so many servers on this machine."""
    random, fids = np.random.default_rng(1), loads.fids(rows)
    queries = [fids[random.choice(rows, batch, replace=False)] for _ in range(8)]
    async with filled(count, rows, dim) as servers:
        taken = await cost_of(servers, steps(servers.client, dim)["lookup"], queries, seconds)
        return batch / taken.elapsed
