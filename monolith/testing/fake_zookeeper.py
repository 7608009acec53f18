"""ZooKeeper in memory, on the clock of the event loop: sessions, nodes, watches, and harm."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from monolith.discovery.zk_client import Hear, Heard, Node, Refused, Watcher

RETRY_S = 0.1  # between two attempts of a client to connect


class FakeZooKeeper:
    """The servers, as one. A session of which nothing is heard for `session_s` seconds ends."""

    def __init__(self, session_s: float = 2.0) -> None:
        self.session_s = session_s
        self.lines: list[Line] = []
        self.forbidden: set[str] = set()  # paths that nobody may touch
        self.up = True
        self._sessions = itertools.count(1)
        self.wipe()

    def wipe(self) -> None:
        """Forget everything."""
        self.nodes = {"/": Node(b"", 0, 0)}
        self.change = 0
        self.sessions: dict[
            int, asyncio.TimerHandle | None
        ] = {}  # with what ends it, of those that are silent
        self.watches: dict[str, set[tuple[FakeClient, Watcher]]] = defaultdict(set)

    def line(self) -> Line:
        """A network between one process and here."""
        self.lines.append(Line(self))
        return self.lines[-1]

    def stop(self) -> None:
        """Nobody answers any more; what is known is kept."""
        self.up = False
        for line in self.lines:
            line.drop()

    def start(self) -> None:
        self.up = True

    def plant(self, path: str, value: str) -> None:
        """Have a node that is nobody's, in folders that are anybody's."""
        for depth in range(2, path.count("/") + 1):
            self.nodes.setdefault("/".join(path.split("/")[:depth]), Node(b"", 0, 0))
        self.write(path, Node(value.encode(), 0, 0))

    def begin(self) -> int:
        session = next(self._sessions)
        self.sessions[session] = None
        return session

    def silent(self, session: int) -> None:
        """Nothing is heard of `session` from now on."""
        if session in self.sessions:
            self.heard(session)
            loop = asyncio.get_running_loop()
            self.sessions[session] = loop.call_later(self.session_s, self.end, session)

    def heard(self, session: int) -> None:
        if ends := self.sessions[session]:
            ends.cancel()
        self.sessions[session] = None

    def end(self, session: int) -> None:
        """The nodes of `session` go with it, but not while nobody is there to do it."""
        if not self.up:
            return self.silent(session)
        if session in self.sessions:
            self.heard(session)
            del self.sessions[session]
        for path in [path for path, node in self.nodes.items() if session and node.owner == session]:
            self.write(path, None)
        return None

    def write(self, path: str, node: Node | None) -> None:
        """Put `node` there, or with None remove what is there; tell who watches."""
        self.change += 1
        created = path not in self.nodes
        if node is None:
            del self.nodes[path]
        else:
            self.nodes[path] = node
        told = [path, parent(path)] if created or node is None else [path]
        for client, watch in itertools.chain(*(self.watches.pop(where, ()) for where in told)):
            client.call(watch)


class Line:
    """What one process reaches the server by, with however many clients it makes."""

    def __init__(self, server: FakeZooKeeper) -> None:
        self.server = server
        self.clients: list[FakeClient] = []
        self.open = True

    def client(self, _hosts: str, _session_s: float, _auth: object, hear: Hear) -> FakeClient:
        """What `zookeeper.ZooKeeper` takes as `make_client`."""
        self.clients.append(FakeClient(self, hear))
        return self.clients[-1]

    def cut(self) -> None:
        """Nothing goes through, neither way; both ends notice that in time."""
        self.open = False
        for client in self.clients:
            client.fall_silent()

    def mend(self) -> None:
        self.open = True
        for client in self.clients:
            client.speak_again()

    def drop(self) -> None:
        """Connections break."""
        for client in self.clients:
            client.drop()


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
