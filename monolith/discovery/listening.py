"""Whether something listens at an address; and a platform whose list says nothing of that."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from monolith.core.address import Address
from monolith.core.names import Role
from monolith.discovery.base import ServiceInfo
from monolith.discovery.named import Named, NamedDiscovery, Roles

Answers: TypeAlias = Callable[[Address], Awaitable[bool]]
AT_ONCE = 256  # a process may have some 1,000 files open
WITHIN_S = 1.0


async def answers(address: Address) -> bool:
    """Whether a TCP connection to `address` is taken within a second."""
    try:
        async with asyncio.timeout(WITHIN_S):
            _, writer = await asyncio.open_connection(*address)
    except OSError:  # also a name that is none, and TimeoutError
        return False
    writer.close()
    return True


async def who_answers(services: Iterable[ServiceInfo], ask: Answers = answers) -> list[bool]:
    """For each of `services`, whether something listens where it says."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(info: ServiceInfo) -> bool:
        async with limit:
            return await ask(Address(info.host, info.port))

    return await asyncio.gather(*map(one, services))


class Listening(Named):
    """A platform, of whose parameter servers only those are there that listen. Workers need not listen."""

    def __init__(self, platform: NamedDiscovery, roles: Roles, ask: Answers = answers) -> None:
        super().__init__(platform)
        self._roles = roles
        self._ask = ask

    async def _discover(self, service_type: str) -> list[ServiceInfo]:
        listed = await super()._discover(service_type)
        if self._roles.get(service_type, service_type).lower() != Role.PS:
            return listed
        there = await who_answers(listed, self._ask)
        return [info for info, listens in zip(listed, there, strict=True) if listens]
