"""One process's part in a job: what it was told, whom it asks, what it must undo, and the world around it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypedDict, TypeVar

import attrs

from monolith.aio.bounded import bounded
from monolith.aio.unwind import Unwind
from monolith.config.distributed import DistributedRunConfig
from monolith.config.runner import RunnerConfig
from monolith.core.errors import ServiceNotFound
from monolith.core.stop import Stop
from monolith.discovery.base import Discovery, ServiceInfo
from monolith.runner.heartbeat import END_WITHIN_MS, Heartbeat
from monolith.runner.serving import GrpcServer

if TYPE_CHECKING:
    from monolith.ps.api import Shard
    from monolith.ps.client import PsClient

    Train: TypeAlias = Callable[[PsClient], Awaitable[Any]]
    ConnectShards: TypeAlias = Callable[[Sequence[str]], list[Shard]]

T = TypeVar("T")
Figures = Mapping[str, object]


class Server(Protocol):
    """What a parameter server listens with."""

    async def prepare(self) -> None:
        """Do what takes its time before anyone may ask."""

    async def start(self) -> str:
        """Listen; give host:port as bound."""

    async def stop(self, grace_s: float) -> None:
        """Refuse new calls, and let those under way end within `grace_s` seconds."""

    def figures(self) -> Figures:
        """What was served."""


Serve = Callable[[RunnerConfig, str], Server]


def over_grpc(addresses: Sequence[str], *, half: bool = False) -> list[Shard]:
    """Shards behind sockets; with `half`, rows travel as float16."""
    from monolith.ps.remote import RemoteShard

    return [RemoteShard(address, shard=index, half=half) for index, address in enumerate(addresses)]


async def no_training(_client: PsClient) -> None:
    """Meet the others, and leave."""


class Ways(TypedDict, total=False):
    """How a run reaches the world; what is not given is the real one."""

    train: Train  # what a worker does once everyone is there
    connect_shards: ConnectShards  # addresses, in shard order, to shards
    serve: Serve  # what the runner is told and an IP:port, to a server
    ready: Callable[[str], None]  # gets the address of a parameter server that can be found
    stop: Stop  # asked for an end from outside
    environ: MutableMapping[str, str]
    advertise_addr: str | None  # host:port that others are told, for the doors that take no other config


@attrs.frozen(kw_only=True)
class World:
    """`Ways`, complete."""

    train: Train = no_training
    connect_shards: ConnectShards = over_grpc
    serve: Serve = GrpcServer
    ready: Callable[[str], None] = lambda _address: None
    stop: Stop = attrs.field(factory=Stop)
    environ: MutableMapping[str, str] = os.environ
    advertise_addr: str | None = None


@attrs.define
class Part:
    """What the two roles have in common while they are connected."""

    discovery: Discovery
    config: DistributedRunConfig
    unwind: Unwind
    world: World
    _tried_to_register: bool = attrs.field(default=False, init=False)

    @property
    def me(self) -> str:
        return str(self.config.service_id)

    async def ask(self, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        """Await `call` within the budget of one operation."""
        return await bounded(operation, call, ms=self.config.runner.discovery_operation_timeout_ms)

    async def register(self, address: str, **metadata: str) -> None:
        """Be found at `address`, and stay known until the end."""
        config = self.config
        self._tried_to_register = True
        info = ServiceInfo.of(config.service_id, config.service_type, address, **metadata)
        await self.ask(f"register {self.me} as {config.service_type}", lambda: self.discovery.register(info))
        if config.heartbeat_interval is not None:
            heartbeat = Heartbeat(lambda: self.discovery.heartbeat(self.me), config.heartbeat_interval)
            heartbeat.start()
            self.unwind.let_go(f"stop heartbeat of {self.me}", heartbeat.stop, ms=END_WITHIN_MS)

    async def deregister(self) -> None:
        """Be found no more; also who has not registered yet, as an earlier life may have left an entry.

        Raises:
            ServiceNotFound: registering was tried, and there is nothing to take away.
        """
        try:
            await self.discovery.deregister(self.me)
        except ServiceNotFound:
            if self._tried_to_register:
                raise
