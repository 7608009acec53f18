"""Finding each other through ZooKeeper: nodes that end with the session of who made them.

A process that ends well takes its node away; of one that dies, the server does so after the session timeout.
One that is restarted before that takes the node over, and one whose session was lost registers again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from monolith.core.errors import MissingExtra
from monolith.discovery.base import ServiceInfo
from monolith.discovery.registrar import Registrar
from monolith.discovery.watch import Event, Looks
from monolith.discovery.zk_client import Client, Hear, Watcher
from monolith.discovery.zk_connection import Connection, Patience
from monolith.discovery.zk_paths import Folder, check_base_path, check_hosts, listed
from monolith.discovery.zk_registrations import Registrations

DEFAULT_FOLDER = "/monolith/default"
Auth = Sequence[tuple[str, str]]  # (scheme, credential)
MakeClient = Callable[[str, float, Auth | None, Hear], Client]


def _kazoo(hosts: str, session_s: float, auth: Auth | None, hear: Hear) -> Client:
    try:
        from monolith.discovery.zk_kazoo import Kazoo
    except ImportError as exc:
        raise MissingExtra("ZooKeeper", "zookeeper") from exc
    return Kazoo(hosts, session_s, auth, hear)


class ZooKeeper(Registrar):
    """A backend over the servers `hosts`, whose nodes are in `base_path`.

    `auth` is what `credentials.get_zk_auth_data` gives. Of what is registered, the server keeps service type,
    index and address: that is all that the original's processes write and understand.

    Raises:
        DiscoveryMisconfigured: `hosts`, `base_path` or a service type cannot be.
        BackendUnreachable: the servers do not answer.
        BackendWiped: they have forgotten what they knew; told once, by a heartbeat.
        BackendFailed: they refuse, for want of rights say; or a node holds what is no address.
        TakenOver: a process that came later has our place.
    """

    def __init__(
        self,
        hosts: str,
        base_path: str = DEFAULT_FOLDER,
        *,
        auth: Auth | None = None,
        patience: Patience = Patience(),
        make_client: MakeClient = _kazoo,
    ) -> None:
        super().__init__()
        self._hosts = hosts
        self._base_path = base_path
        self._folder = Folder(base_path)
        make = partial(make_client, hosts, patience.session_s, auth)
        self._connection = Connection(hosts, make, patience, self._arrived)
        self._registrations = Registrations(self._connection, self._folder)
        self._turn = asyncio.Lock()  # two roles that share us may come at once
        self._looking: set[asyncio.Event] = set()

    async def connect(self) -> None:
        self._check("connect")
        async with self._turn:
            if not self._users:
                await self._open()
            await super().connect()

    async def disconnect(self) -> None:
        async with self._turn:
            await super().disconnect()
            if not self._users:
                await self._close()

    async def heartbeat(self, service_id: str) -> None:
        """See to it that the node of `service_id` stands, and tell what happened to the servers meanwhile."""
        await super().heartbeat(service_id)
        await self._registrations.confirm(service_id)
        wiped, self._connection.wiped = self._connection.wiped, None
        if wiped:
            raise wiped

    @asynccontextmanager
    async def watch(self, service_type: str) -> AsyncIterator[AsyncIterator[Event]]:
        self._check("watch_service")
        async with super().watch(service_type) as events:
            yield events

    async def _put(self, info: ServiceInfo) -> None:
        await self._registrations.put(self._folder.place(info), info.id, info.address.encode())

    async def _take(self, info: ServiceInfo) -> bool:
        return await self._registrations.take(self._folder.place(info))

    async def _expel(self, info: ServiceInfo) -> None:
        path = self._folder.place(info)

        async def away(client: Client) -> None:
            if node := await client.get(path):
                await client.delete(path, node.version)

        await self._connection.ask("delete", away)

    async def _discover(self, service_type: str) -> list[ServiceInfo]:
        return await self._read(service_type)

    async def _looks(self, service_type: str) -> Looks:
        changed = asyncio.Event()
        self._looking.add(changed)
        try:
            while True:
                changed.clear()
                yield await self._read(service_type, changed.set)
                await changed.wait()
        finally:
            self._looking.discard(changed)

    async def _read(self, service_type: str, watch: Watcher | None = None) -> list[ServiceInfo]:
        """Who is there; with `watch`, be told when that may have changed."""

        async def read(client: Client) -> list[ServiceInfo]:
            names = await client.children(self._folder.node, watch)
            paths = self._folder.found(names, service_type)
            nodes = await asyncio.gather(*(client.get(path, watch) for path in paths.values()))
            there = zip(paths.items(), nodes, strict=True)
            return [listed(service_type, index, path, node) for (index, path), node in there if node]

        return await self._connection.ask("list_children", read)

    async def _open(self) -> None:
        try:
            await self._connection.open()
            await self._registrations.make_folders()
        except BaseException:
            await self._close()
            raise

    async def _close(self) -> None:
        await self._registrations.close()
        await self._connection.close()

    async def _arrived(self) -> None:
        """The server is back, and may not know us."""
        await self._registrations.make_folders()
        await self._registrations.confirm_all()
        for changed in self._looking:
            changed.set()

    def _check(self, operation: str) -> None:
        check_hosts(self._hosts, operation)
        check_base_path(self._base_path, operation)
