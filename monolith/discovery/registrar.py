"""Backends that keep what is registered: one takes away what is one's own, and only that."""

from __future__ import annotations

from abc import abstractmethod

from monolith.core.errors import ServiceNotFound
from monolith.discovery.base import Backend, ServiceInfo
from monolith.discovery.watch import POLL_S


class Registrar(Backend):
    """A backend with entries, of which it writes `_put` and `_take`.

    `deregister` takes away what this very client registered, and leaves a successor that has replaced it.

    Raises:
        ServiceNotFound: there is nothing of ours to deregister.
    """

    def __init__(self, *, poll_s: float = POLL_S) -> None:
        super().__init__(poll_s=poll_s)
        self._mine: dict[str, ServiceInfo] = {}

    async def _register(self, info: ServiceInfo) -> None:
        self._mine[info.id] = info  # at once: one that goes wrong may have come through all the same
        await self._put(info)

    async def _deregister(self, service_id: str) -> None:
        info = self._mine.get(service_id)
        if info is None or not await self._take(info):
            raise ServiceNotFound(service_id)

    @abstractmethod
    async def _put(self, info: ServiceInfo) -> None: ...
    @abstractmethod
    async def _take(self, info: ServiceInfo) -> bool:
        """Whether anything stood in its place: it is gone now, unless a successor's."""
