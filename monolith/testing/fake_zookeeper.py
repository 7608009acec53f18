"""ZooKeeper in memory, on the clock of the event loop: sessions, nodes, watches, and harm."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict

from monolith.discovery.zk_client import Hear, Node, Watcher
from monolith.testing.fake_zookeeper_client import FakeClient, parent


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
