"""What every way of finding each other does, and the one guard against using it when it is closed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

from monolith.core.errors import DiscoveryClosed


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """One process that others can find.

    `index` is None where a backend's entry told none, and negative where it told something that is no index.
    """

    service_id: str  # "ps-0"
    service_type: str  # what one asks for: "ps"
    index: int | None
    address: str  # host:port


class Discovery(Protocol):
    """A backend, from the side of the process that uses it.

    `register` of an index that is taken replaces what was there: a restarted process is the same one at a
    new address. `deregister` takes away this very entry, and nothing if it is not there or another has
    replaced it, so it may be called whether or not `register` came through.

    Raises:
        DiscoveryClosed: used before `connect` or after `disconnect`.
        OperationFailed: the backend answered with an error.
    """

    async def connect(self) -> None: ...
    async def register(self, info: ServiceInfo) -> None: ...
    async def discover(self, service_type: str) -> list[ServiceInfo]: ...
    async def deregister(self, info: ServiceInfo) -> None: ...
    async def heartbeat(self, info: ServiceInfo) -> None: ...
    async def disconnect(self) -> None: ...


class Backend(ABC):
    """Base of the backends: what is open and what is closed is decided here, once.

    A backend writes `_register`, `_discover` and `_deregister`; one that has something to open, to close or
    to keep alive extends `connect`, `disconnect` or `heartbeat`.
    """

    def __init__(self) -> None:
        self._open = False

    async def connect(self) -> None:
        self._open = True

    async def disconnect(self) -> None:
        self._open = False

    async def register(self, info: ServiceInfo) -> None:
        self._must_be_open(f"register {info.service_id} as {info.service_type}")
        await self._register(info)

    async def discover(self, service_type: str) -> list[ServiceInfo]:
        self._must_be_open(f"discover {service_type}")
        return await self._discover(service_type)

    async def deregister(self, info: ServiceInfo) -> None:
        self._must_be_open(f"deregister {info.service_id} from {info.service_type}")
        await self._deregister(info)

    async def heartbeat(self, info: ServiceInfo) -> None:
        self._must_be_open(f"heartbeat {info.service_id} as {info.service_type}")

    def _must_be_open(self, operation: str) -> None:
        if not self._open:
            raise DiscoveryClosed(
                f"cannot {operation}: {type(self).__name__} is not connected", operation=operation
            )

    @abstractmethod
    async def _register(self, info: ServiceInfo) -> None: ...
    @abstractmethod
    async def _discover(self, service_type: str) -> list[ServiceInfo]: ...
    @abstractmethod
    async def _deregister(self, info: ServiceInfo) -> None: ...
