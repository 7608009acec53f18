"""ZooKeeper: the fake on a clock that jumps, and real servers with a network between that can be cut."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from monolith.discovery.base import Backend, ServiceInfo
from monolith.discovery.zk_connection import Patience
from monolith.discovery.zookeeper import DEFAULT_FOLDER, ZooKeeper
from monolith.testing import virtual_time
from monolith.testing.fake_zookeeper import FakeZooKeeper, Line
from tests.conformance.world import World
from tests.integration.discovery.ensemble import Server
from tests.integration.discovery.forwarder import Forwarder

T = TypeVar("T")
SESSION_S = 2.0


class ZooKeeperWorld(World):
    """Clients with sessions, each behind a line of its own."""

    patience_s = 4 * SESSION_S
    cannot: ClassVar = {
        "one_index_can_be_claimed_twice": "an index is one node: the later claim replaces the earlier",
        "odd_characters_come_through": "a node holds the address and nothing else, as the original's do",
    }

    def service(self, index: int = 0, *, host: str = "10.0.0.1", **metadata: str) -> ServiceInfo:
        info = super().service(index, host=host, **metadata)
        return info if metadata else ServiceInfo.listed("ps", index, info.address)


class RealZooKeeperWorld(ZooKeeperWorld):
    """A server, which other worlds use too, and a cuttable way to it for each client."""

    name = "zookeeper"
    patience_s = 4.0
    session_s = 1.2

    def __init__(self, server: Server) -> None:
        super().__init__(Path("/", secrets.token_hex(8)))
        self._server = server
        self._ways: list[Forwarder] = []

    def client(self) -> Backend:
        self._ways.append(Forwarder(self._server.port))
        return Far(self._ways[-1], str(self.folder), self.session_s)

    def close(self) -> None:
        for way in self._ways:
            way.close()

    async def cut(self, client: Backend) -> None:
        assert isinstance(client, Far)
        client.way.cut()

    kill = freeze = cut  # all of them are silence, as the server sees it

    async def mend(self, client: Backend) -> None:
        assert isinstance(client, Far)
        client.way.mend()

    thaw = mend

    async def stop_server(self) -> None:
        await asyncio.to_thread(self._server.kill)

    async def start_server(self) -> None:
        await asyncio.to_thread(self._server.restart)

    async def plant(self, service_type: str, index: int, text: str) -> None:
        from kazoo.client import KazooClient

        def write() -> None:
            hand = KazooClient(self._server.hosts)
            hand.start()
            hand.create(f"{self.folder}/{service_type}.{index}", text.encode(), makepath=True)
            hand.stop()
            hand.close()

        await asyncio.to_thread(write)


class Far(ZooKeeper):
    """A client with a way of its own."""

    def __init__(self, way: Forwarder, folder: str, session_s: float) -> None:
        super().__init__(f"127.0.0.1:{way.port}", folder, patience=Patience(session_s, answer_s=2.0))
        self.way = way


class FakeZooKeeperWorld(ZooKeeperWorld):
    """The fake, without a socket."""

    name = "zookeeper (fake)"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = FakeZooKeeper(SESSION_S)

    def client(self) -> Backend:
        return Process(self.server.line())

    def run(self, play: Coroutine[Any, Any, T]) -> T:
        return virtual_time.run(play)[0]

    async def cut(self, client: Backend) -> None:
        assert isinstance(client, Process)
        client.line.cut()

    kill = freeze = cut

    async def mend(self, client: Backend) -> None:
        assert isinstance(client, Process)
        client.line.mend()

    thaw = mend

    async def stop_server(self) -> None:
        self.server.stop()

    async def start_server(self) -> None:
        self.server.start()

    async def plant(self, service_type: str, index: int, text: str) -> None:
        self.server.plant(f"{DEFAULT_FOLDER}/{service_type}.{index}", text)


class Process(ZooKeeper):
    """A client with a line of its own."""

    def __init__(self, line: Line) -> None:
        super().__init__("zk:2181", patience=Patience(SESSION_S, answer_s=1.0), make_client=line.client)
        self.line = line
