"""Finding each other within one process."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TypeAlias

from monolith.core.errors import AlreadyRegistered
from monolith.discovery.base import ServiceInfo
from monolith.discovery.registrar import Registrar

Board: TypeAlias = MutableMapping[str, ServiceInfo]  # by id


class InMemory(Registrar):
    """A backend over a dict. Those built on the same `board` see each other; each connects for itself.

    An id that is taken is taken, unless the newcomer's metadata say `allow_update` = `true`.
    """

    def __init__(self, board: Board | None = None) -> None:
        super().__init__()
        self._board: Board = {} if board is None else board

    async def _put(self, info: ServiceInfo) -> None:
        may_replace = info.metadata.get("allow_update") == "true"
        if not may_replace and info.id in self._board:
            raise AlreadyRegistered(info.id)
        self._board[info.id] = info

    async def _discover(self, service_type: str) -> list[ServiceInfo]:
        # A copy first: roles on other threads may come and go meanwhile.
        return [info for info in list(self._board.values()) if info.service_type == service_type]

    async def _expel(self, info: ServiceInfo) -> None:
        self._board.pop(info.id, None)

    async def _take(self, info: ServiceInfo) -> bool:
        there = self._board.get(info.id)
        if there is info:  # and not merely equal: a successor may use the same address
            del self._board[info.id]
        return there is not None
