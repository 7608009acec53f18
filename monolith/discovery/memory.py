"""Finding each other within one process."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TypeAlias

from monolith.discovery.base import Backend, ServiceInfo

Board: TypeAlias = MutableMapping[tuple[str, int | None], ServiceInfo]


class InMemory(Backend):
    """A backend over a dict. Those built on the same `board` see each other; each connects for itself."""

    def __init__(self, board: Board | None = None) -> None:
        super().__init__()
        self._board: Board = {} if board is None else board

    async def _register(self, info: ServiceInfo) -> None:
        self._board[info.service_type, info.index] = info

    async def _discover(self, service_type: str) -> list[ServiceInfo]:
        # A copy first: roles on other threads may come and go meanwhile.
        return [info for info in list(self._board.values()) if info.service_type == service_type]

    async def _deregister(self, info: ServiceInfo) -> None:
        key = info.service_type, info.index
        if self._board.get(key) == info:
            del self._board[key]
