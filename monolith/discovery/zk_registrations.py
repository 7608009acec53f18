"""The nodes of this process: what should stand, and making it so whenever it may not."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

import attrs

from monolith.aio.background import Background
from monolith.core.errors import BackendUnreachable, DiscoveryError, TakenOver
from monolith.discovery.zk_client import Client, Node, Refused, Watcher
from monolith.discovery.zk_connection import Connection
from monolith.discovery.zk_paths import Folder
from monolith.discovery.zk_session import Act, decide

log = logging.getLogger(__name__)


@attrs.define(eq=False)
class _Place:
    """One node of ours, and what it should hold; None once it should go."""

    path: str
    service: str
    value: bytes | None
    watch: Watcher  # always the same, so that the client keeps it once
    turn: asyncio.Lock = attrs.field(factory=asyncio.Lock)


class Registrations:
    """Keeps nodes in `folder` as they are wanted, over `connection`."""

    def __init__(self, connection: Connection, folder: Folder) -> None:
        self._connection = connection
        self._folder = folder
        self._places: dict[str, _Place] = {}  # by path
        self._work = Background()

    async def put(self, path: str, service: str, value: bytes) -> None:
        """Have a node of ours there, in place of whoever else has one.

        Raises:
            TakenOver: another process came at the same time, and later.
        """
        if path not in self._places:
            self._places[path] = _Place(path, service, value, partial(self._look_after, path))
        place = self._places[path]
        place.service, place.value = service, value
        await self._settle(place, claim=True)

    async def take(self, path: str) -> bool:
        """Have no node of ours there; whether one should have been."""
        place = self._places.get(path)
        if place is None:
            return False
        place.value = None
        await self._settle(place)
        return True

    async def confirm(self, service: str) -> None:
        """See to it that what was put for `service` stands.

        Raises:
            TakenOver: a successor stands there.
        """
        for place in [place for place in self._places.values() if place.service == service]:
            await self._settle(place)

    async def confirm_all(self) -> None:
        """See to it that all of ours stand; what cannot be is told in the log."""
        await asyncio.gather(*map(self._repair, list(self._places.values())))

    async def close(self) -> None:
        """Forget what was wanted: all of it ends with the session."""
        self._places.clear()
        await self._work.cancel()

    async def make_folders(self) -> None:
        """Have the folder, and those that it is in."""
        await self._connection.ask("create", self._make_folders)

    async def _make_folders(self, client: Client) -> None:
        for path in self._folder.lineage():
            if await client.get(path) is None:
                await client.make_folder(path, shared=path != self._folder.path)

    async def _settle(self, place: _Place, *, claim: bool = False) -> None:
        """Make it as wanted.

        Raises:
            TakenOver: a successor has it, and we do not `claim` it.
        """
        async with place.turn:
            node = await self._connection.ask("create", lambda client: self._bring(client, place, claim))
            if place.value is None:
                self._places.pop(place.path, None)
            elif node and node.owner not in self._connection.session.ours:
                raise TakenOver(place.service, by=node.value.decode(errors="replace"))

    async def _bring(self, client: Client, place: _Place, claim: bool) -> Node | None:
        """Look, do one thing, look again, until there is nothing to do. Can be called off and repeated."""
        while True:
            node = await client.get(place.path, place.watch)
            act = decide(place.value, node, self._connection.session, claim=claim)
            if act is Act.NOTHING:
                return node
            try:
                await _do(client, act, place, node)
                claim = False  # who replaces us now came after us
            except Refused as exc:
                if not exc.overtaken:
                    raise
                if act is Act.CREATE and exc.code == "NoNode":  # somebody has removed the folder
                    await self._make_folders(client)

    def _look_after(self, path: str) -> None:
        """Called when the node has changed, be it by ourselves."""
        if place := self._places.get(path):
            self._work.do(self._repair(place))

    async def _repair(self, place: _Place) -> None:
        try:
            await self._settle(place)
        except BackendUnreachable:
            pass  # the connection tells that itself, and all is confirmed when it is back
        except DiscoveryError as exc:
            log.error("%s", exc)  # noqa: TRY400  # our sentence says it all


async def _do(client: Client, act: Act, place: _Place, node: Node | None) -> None:
    value = place.value or b""
    match act, node:
        case Act.CREATE, _:
            await client.create(place.path, value)
        case Act.SET, Node(version=version):
            await client.set(place.path, value, version)
        case Act.REPLACE, Node(version=version):
            await client.replace(place.path, value, version)
        case Act.DELETE, Node(version=version):
            await client.delete(place.path, version)
