"""Processes that answer lookups: our server, an echo of as many bytes, and Arrow Flight over our table."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import grpc
import numpy as np

from monolith.ps.api import Lookup
from monolith.ps.limits import Limits, server_options
from monolith.ps.server import PsServer
from monolith.ps.shard import LocalShard
from monolith.table.config import Segment, Sgd, TableConfig

ROWS = 500_000
ANYWHERE = "127.0.0.1:0"
FILLED_AT_ONCE = 1 << 16
SERVED_S = 3600


class Addresses(NamedTuple):
    """Where one process listens; `flight` is None where pyarrow is not installed."""

    process: int
    ps: str
    echo: str
    flight: str | None


@contextmanager
def serving(dim: int, processes: int) -> Iterator[list[Addresses]]:
    """So many processes, each with the rows 0 .. ROWS of `dim` numbers; all end with the block."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(processes)]
    begun = [context.Process(target=_serve, args=(end, dim), daemon=True) for _, end in pipes]
    for process in begun:
        process.start()
    try:
        yield [_said(ours) for ours, _ in pipes]
    finally:
        for process in begun:
            process.kill()
            process.join()


def _said(ours: Connection) -> Addresses:
    if not ours.poll(120):
        raise TimeoutError("a server did not start within 120 s")
    told: Addresses = ours.recv()
    return told


def _serve(ready: Connection, dim: int) -> None:
    asyncio.run(_served(ready, dim))


async def _served(ready: Connection, dim: int) -> None:
    shard = LocalShard(0)
    shard.state.create_tables({"t": TableConfig([Segment(dim, optimizer=Sgd())])})
    for start in range(0, ROWS, FILLED_AT_ONCE):
        shard.state.lookup([Lookup("t", np.arange(start, min(ROWS, start + FILLED_AT_ONCE)), dim)])
    echo, echo_address = _echo(dim)
    flight = _flight(shard, dim)
    server = PsServer(shard, ANYWHERE)
    address = await server.start()
    ready.send(Addresses(os.getpid(), address, echo_address, flight and f"grpc://127.0.0.1:{flight.port}"))
    await asyncio.sleep(SERVED_S)
    del server, echo, flight  # a server ends when nobody holds it


def _echo(dim: int) -> tuple[grpc.Server, str]:
    """Answers n ids on a stream with as many bytes as n rows have, without looking at them."""
    answers: dict[int, bytes] = {}

    def answer(bodies: Iterator[bytes], _context: Any) -> Iterator[bytes]:
        for body in bodies:
            ids = len(body) // 8
            yield answers.setdefault(ids, bytes(ids * (4 * dim + 1)))

    server = grpc.server(ThreadPoolExecutor(4), options=server_options(Limits()))
    method = {"Echo": grpc.stream_stream_rpc_method_handler(answer)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench", method),))
    port = server.add_insecure_port(ANYWHERE)
    server.start()
    return server, f"127.0.0.1:{port}"


def _flight(shard: LocalShard, dim: int) -> Any:
    """Arrow Flight's DoExchange: ids in, rows and flags out, of the same table."""
    try:
        import pyarrow as pa
        from pyarrow import flight
    except ImportError:
        return None

    class Exchanging(flight.FlightServerBase):  # type: ignore[misc]
        def do_exchange(self, _context: Any, _what: Any, reader: Any, writer: Any) -> None:
            begun = False
            for chunk in reader:
                fids = chunk.data.column(0).to_numpy()
                (found,) = shard.state.lookup([Lookup("t", fids, dim)])
                rows = pa.FixedSizeListArray.from_arrays(pa.array(found.rows.reshape(-1)), dim)
                flags = pa.array(found.found.view(np.uint8))
                batch = pa.record_batch([rows, flags], names=["rows", "found"])
                if not begun:
                    writer.begin(batch.schema)
                    begun = True
                writer.write_batch(batch)

    return Exchanging("grpc://" + ANYWHERE)
