"""What every way of finding each other does, and the one guard against using it when it is closed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Protocol

import attrs

from monolith.core.address import Address, parse_address
from monolith.core.errors import DiscoveryClosed, DiscoveryMisconfigured
from monolith.core.names import ServiceId
from monolith.discovery.watch import POLL_S, Event, Looks, Watches, polled

NO_INDEX = -1  # what `parse_index` makes of text that is no index


def _read_only(metadata: Mapping[str, str]) -> Mapping[str, str]:
    # Texts, also where somebody else's backend gives a number.
    return MappingProxyType({key: str(value) for key, value in dict(metadata).items()})


@attrs.frozen
class ServiceInfo:
    """One process that others can find."""

    id: str  # unique: "ps-0"
    name: str
    service_type: str  # what one asks for: "ps"
    host: str
    port: int
    metadata: Mapping[str, str] = attrs.field(factory=dict, converter=_read_only, hash=False)
    # Seconds since 1970, where the backend knows. No part of what a service is: equal ones may differ in it.
    registered_at: float | None = attrs.field(default=None, kw_only=True, eq=False)

    @classmethod
    def of(
        cls, service_id: ServiceId, service_type: str, address: Address | str, **metadata: str
    ) -> ServiceInfo:
        """How the process `service_id`, which can be reached at `address`, makes itself known.

        Raises:
            ConfigError: `address` is none.
        """
        return cls._at(str(service_id), service_type, service_id.index, address, metadata)

    @classmethod
    def listed(cls, service_type: str, index: int, address: Address | str) -> ServiceInfo:
        """What stands in a list of addresses, where nothing but type and index is known of it.

        Raises:
            ConfigError: `address` is none.
        """
        return cls._at(f"{service_type}-{index}", service_type, index, address, {})

    @classmethod
    def _at(
        cls, name: str, service_type: str, index: int, address: Address | str, more: Mapping[str, str]
    ) -> ServiceInfo:
        host, port = parse_address(address) if isinstance(address, str) else address
        told = {"addr": str(Address(host, port)), "index": str(index), **more}
        return cls(name, name, service_type, host, port, told)

    @property
    def address(self) -> str:
        """host:port, an IPv6 host in brackets."""
        return str(Address(self.host, self.port))

    @property
    def index(self) -> int | None:
        """Which one of its type it is: None if the metadata do not tell, NO_INDEX if unreadably."""
        text = self.metadata.get("index")
        return None if text is None else parse_index(text)


def parse_index(text: str) -> int:
    """The index that metadata tell, or NO_INDEX if it is no number from 0."""
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal()):
        return NO_INDEX
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= 20 and int(digits) < 1 << 64 else NO_INDEX


def index_of(info: ServiceInfo) -> int:
    """The index of `info`, for backends that need one.

    Raises:
        DiscoveryMisconfigured: the metadata tell none, or not readably.
    """
    if info.index is None or info.index == NO_INDEX:
        told = info.metadata.get("index")
        raise DiscoveryMisconfigured(
            f"{info.id} has no usable index (index={told!r}): it must be a number from 0"
        )
    return info.index


class Discovery(Protocol):
    """A backend, from the side of the process that uses it.

    Whoever implements these six serves; what they raise is told with its own text.
    """

    async def connect(self) -> None: ...
    async def disconnect(self) -> None: ...
    async def register(self, info: ServiceInfo) -> None: ...
    async def discover(self, service_type: str) -> list[ServiceInfo]: ...
    async def deregister(self, service_id: str) -> None: ...
    async def heartbeat(self, service_id: str) -> None: ...


class Backend(ABC):
    """Base of the backends: what is open and what is closed is decided here, once.

    A backend writes `_register`, `_discover` and `_deregister`; one that has something to open, to close or
    to keep alive extends `connect`, `disconnect` or `heartbeat`; one that is told of changes writes `_looks`,
    which otherwise looks every `poll_s` seconds. Roles in one process may share a backend: it is open until
    as many have disconnected as had connected.

    Raises:
        DiscoveryClosed: used before `connect` or after `disconnect`.
        DiscoveryError: the backend could not do it.
    """

    def __init__(self, *, poll_s: float = POLL_S) -> None:
        self._users = 0
        self._poll_s = poll_s
        self._watches = Watches(self._looks, poll_s)

    async def connect(self) -> None:
        self._users += 1

    async def disconnect(self) -> None:
        self._users = max(0, self._users - 1)
        if not self._users:
            await self._watches.close(DiscoveryClosed(f"{type(self).__name__} was disconnected"))

    async def register(self, info: ServiceInfo) -> None:
        self._must_be_open(f"register {info.id} as {info.service_type}")
        await self._register(info)

    async def discover(self, service_type: str) -> list[ServiceInfo]:
        self._must_be_open(f"discover {service_type}")
        return await self._discover(service_type)

    async def deregister(self, service_id: str) -> None:
        self._must_be_open(f"deregister {service_id}")
        await self._deregister(service_id)

    async def heartbeat(self, service_id: str) -> None:
        self._must_be_open(f"heartbeat {service_id}")

    async def expel(self, info: ServiceInfo) -> None:
        """Take away `info`, which was discovered, whoever registered it: for people who tidy up.

        Raises:
            DiscoveryMisconfigured: this backend lets nobody do that.
        """
        self._must_be_open(f"expel {info.id}")
        await self._expel(info)

    @asynccontextmanager
    async def watch(self, service_type: str) -> AsyncIterator[AsyncIterator[Event]]:
        """While inside, who is there now, as `Added`, and then who comes, changes and goes.

        Raises, from the iterator:
            DiscoveryClosed: disconnected meanwhile.
            ConfigError, DiscoveryMisconfigured: it can never be asked like that; other errors only delay.
        """
        self._must_be_open(f"watch {service_type}")
        async with self._watches.reader(service_type) as events:
            yield events

    def _looks(self, service_type: str) -> Looks:
        """All that is there, at once, and again whenever it may differ; watch.py asks anew if this raises."""
        return polled(self, service_type, self._poll_s)

    async def _expel(self, info: ServiceInfo) -> None:
        raise DiscoveryMisconfigured(f"{type(self).__name__} lets only its owner take {info.id} away")

    def _must_be_open(self, operation: str) -> None:
        if not self._users:
            raise DiscoveryClosed(f"cannot {operation}: {type(self).__name__} is not connected")

    @abstractmethod
    async def _register(self, info: ServiceInfo) -> None: ...
    @abstractmethod
    async def _discover(self, service_type: str) -> list[ServiceInfo]: ...
    @abstractmethod
    async def _deregister(self, service_id: str) -> None: ...
