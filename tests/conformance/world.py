"""A backend as the laws see it: clients of it, and the harm that can come to them."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from monolith.core.names import Role, ServiceId
from monolith.discovery.base import Backend, ServiceInfo

T = TypeVar("T")


class Beyond(Exception):
    """This world has no such thing: no server to stop, say."""


class World(ABC):
    """One backend, made anew for each law.

    `cannot` has for each law that does not hold here a sentence why; a law that holds all the same is told.
    `patience_s` is how long, on the clock of `run`, news may take.
    """

    name: ClassVar[str]
    cannot: ClassVar[Mapping[str, str]] = {}
    patience_s: float = 5.0

    def __init__(self, folder: Path) -> None:
        self.folder = folder  # an empty one, to be filled

    @abstractmethod
    def client(self) -> Backend:
        """One more process, which is not connected yet."""

    def run(self, play: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(play)

    def service(self, index: int = 0, *, host: str = "10.0.0.1", **metadata: str) -> ServiceInfo:
        """A parameter server that can be registered here."""
        address = f"{host}:{50051 + index}"
        return ServiceInfo.of(ServiceId(Role.PS, index), "ps", address, allow_update="true", **metadata)

    async def kill(self, client: Backend) -> None:
        """The process of `client` is gone, without a word."""
        raise Beyond(f"nothing of {client} can be killed")

    async def freeze(self, client: Backend) -> None:
        """The process of `client` stands still, its connections open."""
        raise Beyond(f"nothing of {client} can be frozen")

    async def thaw(self, client: Backend) -> None:
        """It goes on."""
        raise Beyond(f"nothing of {client} can be thawed")

    async def cut(self, client: Backend) -> None:
        """Nothing goes from `client` to the server, or back."""
        raise Beyond(f"{client} has no network")

    async def mend(self, client: Backend) -> None:
        """It does again."""
        raise Beyond(f"{client} has no network")

    async def stop_server(self) -> None:
        raise Beyond("there is no server")

    async def start_server(self) -> None:
        """Again, with what it had stored."""
        raise Beyond("there is no server")

    async def plant(self, service_type: str, index: int, text: str) -> None:
        """Somebody else's hand writes `text` where the address of a service stands."""
        raise Beyond(f"{text!r} cannot be written as {service_type} {index}")
