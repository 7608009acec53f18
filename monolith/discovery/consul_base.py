"""What the two ways of talking to Consul have in common: a client while connected, and signs of life."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import defaultdict

from monolith.core.errors import DiscoveryClosed
from monolith.discovery.base import ServiceInfo
from monolith.discovery.consul_http import Answer, ConsulHttp, Request
from monolith.discovery.registrar import Registrar


class ConsulBackend(Registrar):
    """A backend that asks `_open()` from `connect` to `disconnect`.

    What happens to one service happens in turn: no sign of life comes after `deregister`.
    """

    def __init__(self, address: str, service_name: str) -> None:
        super().__init__()
        self.address = address
        self.service_name = service_name
        self._http: ConsulHttp | None = None
        self._changing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # by id

    async def connect(self) -> None:
        """Nothing is asked yet."""
        if self._http is None:
            self._http = self._open()
        await super().connect()

    async def disconnect(self) -> None:
        await super().disconnect()
        if not self._users and self._http:
            http, self._http = self._http, None
            await http.close()

    async def heartbeat(self, service_id: str) -> None:
        """A sign of life of what was registered here; where it was lost, registers it again."""
        await super().heartbeat(service_id)
        async with self._changing[service_id]:
            if info := self._mine.get(service_id):
                await self._keep_alive(info)

    async def _register(self, info: ServiceInfo) -> None:
        async with self._changing[info.id]:
            await super()._register(info)

    async def _deregister(self, service_id: str) -> None:
        async with self._changing[service_id]:
            await super()._deregister(service_id)
            del self._mine[service_id]

    async def _ask(self, request: Request, within_s: float) -> Answer:
        if self._http is None:
            raise DiscoveryClosed(f"Consul {request.operation}: disconnected meanwhile")
        return await self._http.ask(request, within_s=within_s)

    @abstractmethod
    def _open(self) -> ConsulHttp:
        """A client of what listens at the address.

        Raises:
            DiscoveryMisconfigured: nothing can listen there.
        """

    @abstractmethod
    async def _keep_alive(self, info: ServiceInfo) -> None: ...
