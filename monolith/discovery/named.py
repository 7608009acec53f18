"""Platforms that say who is where, by `(name, index, addr)`; and a backend over any of them.

A name is a role as the platform calls it, or a service type that `roles` translates into one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol, TypeAlias

from monolith.core.address import Address, parse_address
from monolith.core.errors import ConfigError, DiscoveryMisconfigured
from monolith.core.names import Role
from monolith.discovery.base import Backend, ServiceInfo, index_of

Roles: TypeAlias = Mapping[str, str]  # service type → the platform's role; one that is not there is a role
NOWHERE = "0.0.0.0:0"


class NamedDiscovery(Protocol):
    """What a platform answers. Nothing here waits for anyone.

    Raises:
        DiscoveryError: the platform was told, or is asked, what cannot be.
    """

    @property
    def kind(self) -> str: ...
    def register(self, name: str, index: int, addr: str, /) -> None: ...
    def deregister(self, name: str, index: int, addr: str, /) -> None: ...
    def query(self, name: str, /) -> dict[int, str]:
        """Index → addr, by rising index."""

    def close(self) -> None: ...


class Named(Backend):
    """A platform, asked as any other backend is."""

    def __init__(self, platform: NamedDiscovery) -> None:
        super().__init__()
        self._platform = platform

    async def _register(self, info: ServiceInfo) -> None:
        self._platform.register(info.service_type, index_of(info), info.address)

    async def _discover(self, service_type: str) -> list[ServiceInfo]:
        found = self._platform.query(service_type)
        return [ServiceInfo.listed(service_type, index, address_of(addr)) for index, addr in found.items()]

    async def _deregister(self, service_id: str) -> None:
        name, dash, index = service_id.rpartition("-")
        if not (dash and index.isascii() and index.isdecimal()):
            raise DiscoveryMisconfigured(f"Cannot infer name/index from service_id {quoted(service_id)}")
        self._platform.deregister(name, int(index), self._addr(name, int(index)))

    def _addr(self, name: str, index: int) -> str:
        """As the platform has it; of those it does not list, a chief alone say, none is known."""
        try:
            return self._platform.query(name).get(index, NOWHERE)
        except DiscoveryMisconfigured:
            return NOWHERE

    async def _expel(self, info: ServiceInfo) -> None:
        raise DiscoveryMisconfigured(f"{info.id} is on a scheduler's list, which nobody else can change")


def roles_of(ps: str, worker: str) -> Roles:
    """The two service types of a job as roles."""
    return {ps: Role.PS, worker: Role.WORKER}


def address_of(addr: str) -> Address:
    """`addr`, which a platform told, as an address.

    Raises:
        DiscoveryMisconfigured: it is none; says whether only the port is to blame.
    """
    try:
        return parse_address(addr)
    except ConfigError as exc:
        raise DiscoveryMisconfigured(f"Invalid {_culprit(addr)}: {quoted(addr)}") from exc


def _culprit(addr: str) -> str:
    try:
        parse_address(addr.rpartition(":")[0] + ":0")
    except ConfigError:
        return "addr"
    return "port in addr"


def quoted(text: str) -> str:
    """As platforms' sentences show what they were given."""
    return json.dumps(text, ensure_ascii=False)
