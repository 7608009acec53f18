"""A client of a ZooKeeper that is made up: sessions as kazoo has them, and operations that take no time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from monolith.discovery.zk_client import Hear, Heard, Node, Refused, Watcher

if TYPE_CHECKING:
    from monolith.testing.fake_zookeeper import Line

RETRY_S = 0.1  # between two attempts to connect


class FakeClient:
    """A `zk_client.Client` of a `FakeZooKeeper`."""

    def __init__(self, line: Line, hear: Hear) -> None:
        self.server = line.server
        self.last_change = 0
        self.session = 0
        self._line = line
        self._hear = hear
        self._connected = False
        self._closed = False
        self._waiting: set[asyncio.Future[None]] = set()
        self._watches: list[Watcher] = []

    def start(self) -> None:
        asyncio.get_running_loop().call_soon(self._try)

    async def close(self) -> None:
        self._closed = True
        if self._connected:
            self.server.end(self.session)
        self._connected = False
        self._fail("ConnectionClosed")

    def fall_silent(self) -> None:
        self.server.silent(self.session)
        asyncio.get_running_loop().call_later(self.server.session_s * 2 / 3, self._notice)

    def speak_again(self) -> None:
        if self._connected and self.session in self.server.sessions:
            self.server.heard(self.session)
            self._go_on()
        else:
            self.drop()

    def drop(self) -> None:
        """The connection breaks."""
        if not self._connected:
            return
        self._connected = False
        self.server.silent(self.session)
        self._fail("ConnectionLoss")
        self._hear(Heard.SUSPENDED, 0)
        told, self._watches = self._watches, []
        for watch in told:
            watch()
        self.start()

    def call(self, watch: Watcher) -> None:
        if self._connected and self._line.open:
            asyncio.get_running_loop().call_soon(watch)

    async def newest_change(self) -> int:
        async with self._served():
            return self.server.change

    async def children(self, path: str, watch: Watcher | None = None) -> list[str]:
        async with self._served():
            self._must_exist("list_children", path)
            self._watch(path, watch)
            start = path.rstrip("/") + "/"
            return [at.removeprefix(start) for at in self.server.nodes if parent(at) == path != at]

    async def get(self, path: str, watch: Watcher | None = None) -> Node | None:
        async with self._served():
            self._allowed("get_data", path)
            node = self.server.nodes.get(path)
            if node:
                self._watch(path, watch)
            return node

    async def make_folder(self, path: str, *, shared: bool) -> None:  # noqa: ARG002
        async with self._served():
            if path not in self.server.nodes:
                self._create(path, Node(b"", 0, 0))

    async def create(self, path: str, value: bytes) -> None:
        async with self._served():
            if path in self.server.nodes:
                raise Refused("create", path, "NodeExists")
            self._create(path, Node(value, 0, self.session))

    async def set(self, path: str, value: bytes, version: int) -> None:
        async with self._served():
            node = self._same("set_data", path, version)
            self.server.write(path, attrs.evolve(node, value=value, version=version + 1))

    async def replace(self, path: str, value: bytes, version: int) -> None:
        async with self._served():
            self._same("create", path, version)
            self.server.write(path, Node(value, 0, self.session))

    async def delete(self, path: str, version: int) -> None:
        async with self._served():
            self._same("delete", path, version)
            self.server.write(path, None)

    def _try(self) -> None:
        """Connect, if the server is there and does not know less than we do, or try again later."""
        if self._closed or self._connected:
            return
        if not (self._line.open and self.server.up and self.server.change >= self.last_change):
            asyncio.get_running_loop().call_later(RETRY_S, self._try)
            return
        if self.session and self.session not in self.server.sessions:
            self.session = self.last_change = 0
            self._hear(Heard.EXPIRED, 0)
        if self.session:
            self.server.heard(self.session)
        else:
            self.session = self.server.begin()
        self._connected = True
        self._hear(Heard.CONNECTED, self.session)
        self._go_on()

    def _notice(self) -> None:
        if not self._line.open:
            self.drop()

    @asynccontextmanager
    async def _served(self) -> AsyncIterator[None]:
        """Wait until the server can answer; inside, it does."""
        while not (self._connected and self._line.open):
            if self._closed:
                raise Refused("any", "/", "ConnectionClosed")
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.add(waiting)
            try:
                await waiting
            finally:
                self._waiting.discard(waiting)
        yield
        self.last_change = self.server.change

    def _go_on(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    def _fail(self, code: str) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(Refused("any", "/", code))

    def _create(self, path: str, node: Node) -> None:
        self._allowed("create", path)
        self._must_exist("create", parent(path))
        self.server.write(path, node)

    def _same(self, operation: str, path: str, version: int) -> Node:
        self._must_exist(operation, path)
        node = self.server.nodes[path]
        if node.version != version:
            raise Refused(operation, path, "BadVersion")
        return node

    def _must_exist(self, operation: str, path: str) -> None:
        self._allowed(operation, path)
        if path not in self.server.nodes:
            raise Refused(operation, path, "NoNode")

    def _allowed(self, operation: str, path: str) -> None:
        if path in self.server.forbidden:
            raise Refused(operation, path, "NoAuth")

    def _watch(self, path: str, watch: Watcher | None) -> None:
        if watch:
            self.server.watches[path].add((self, watch))
            self._watches.append(watch)


def parent(path: str) -> str:
    """The folder of `path`; of the root, itself."""
    return path.rpartition("/")[0] or "/"
