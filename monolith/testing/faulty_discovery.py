"""A discovery backend that misbehaves to order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeVar

from monolith.core.errors import BackendFailed
from monolith.discovery.base import Discovery, ServiceInfo

T = TypeVar("T")


class Fault(StrEnum):
    """How an operation goes wrong."""

    FAILS = "fails"  # at once, with an error of the backend
    HANGS = "hangs"  # until it is cancelled


class FaultyDiscovery:
    """`inner`, but for the operations that have a fault: `FaultyDiscovery(inner, register=Fault.HANGS)`.

    A failing operation says "Internal error: forced register failure". `calls` has the operations, in order.
    """

    def __init__(self, inner: Discovery, **faults: Fault) -> None:
        self._inner = inner
        self.faults = faults
        self.calls: list[str] = []

    async def connect(self) -> None:
        await self._call("connect", self._inner.connect)

    async def register(self, info: ServiceInfo) -> None:
        await self._call("register", lambda: self._inner.register(info))

    async def discover(self, service_type: str) -> list[ServiceInfo]:
        return await self._call("discover", lambda: self._inner.discover(service_type))

    async def deregister(self, service_id: str) -> None:
        await self._call("deregister", lambda: self._inner.deregister(service_id))

    async def heartbeat(self, service_id: str) -> None:
        await self._call("heartbeat", lambda: self._inner.heartbeat(service_id))

    async def disconnect(self) -> None:
        await self._call("disconnect", self._inner.disconnect)

    async def _call(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        self.calls.append(name)
        match self.faults.get(name):
            case Fault.FAILS:
                raise BackendFailed(f"forced {name} failure")
            case Fault.HANGS:
                await asyncio.Event().wait()
        return await call()
