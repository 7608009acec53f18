"""ZooKeeper: the fake on a clock that jumps, and real servers with a network between that can be cut."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from monolith.discovery.base import Backend, ServiceInfo
from monolith.discovery.zk_connection import Patience
from monolith.discovery.zookeeper import DEFAULT_FOLDER, ZooKeeper
from monolith.testing import virtual_time
from monolith.testing.fake_zookeeper import FakeZooKeeper, Line
from tests.conformance.world import World

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
