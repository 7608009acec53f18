"""Real servers on loopback, one event loop a test, everything closed at the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
import pytest

from monolith.ps.limits import Limits
from monolith.ps.remote import RemoteShard
from monolith.ps.server import PsServer
from monolith.ps.shard import LocalShard
from monolith.table.table import Table

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]


@contextmanager
def stalled(shard: LocalShard, table: str) -> Iterator[None]:
    """Whoever comes for `table` waits until the end of the block."""
    tables, freed = shard.state._tables, threading.Event()
    get = tables.get

    def wait_and_get(name: str) -> Table:
        assert name != table or freed.wait(60)
        return get(name)

    tables.get = wait_and_get  # type: ignore[method-assign]
    try:
        yield
    finally:
        freed.set()


class Cluster:
    """Starts servers and clients of them, and closes what is left."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.run = runner.run
        self._servers: list[PsServer] = []
        self._remotes: list[RemoteShard] = []

    def serve(
        self, shard: LocalShard, address: str = "127.0.0.1:0", *, frames: bool = True, **options: Any
    ) -> str:
        """Serve `shard`, without `frames` as a server of another program that knows but the calls."""
        server = PsServer(shard, address, **options)
        server._exchange.frame_limit *= frames
        address = self.run(server.start())
        self._servers.append(server)
        return address

    def remote(
        self, address: str, shard: int = 0, limits: Limits | None = None, **options: Any
    ) -> RemoteShard:
        self._remotes.append(RemoteShard(address, shard=shard, limits=limits, **options))
        return self._remotes[-1]

    def kill(self) -> None:
        """Stop all servers at once, with no time to end anything."""
        while self._servers:
            self.run(self._servers.pop().stop(0))

    def close(self) -> None:
        for remote in self._remotes:
            self.run(remote.close())
        self.kill()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with asyncio.Runner() as runner:
        cluster = Cluster(runner)
        try:
            yield cluster
        finally:
            cluster.close()


@pytest.fixture
def shard() -> LocalShard:
    return LocalShard(0)


@pytest.fixture
def channel(cluster: Cluster, shard: LocalShard) -> Iterator[grpc.Channel]:
    """A plain channel to a server of `shard`, as any other program would open one."""
    with grpc.insecure_channel(cluster.serve(shard)) as channel:
        yield channel
