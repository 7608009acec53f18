"""A stock Consul agent: the fake on a clock that jumps, or a real one that can be started and stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import attrs
import httpx

from monolith.discovery.base import Backend, ServiceInfo
from monolith.discovery.consul import Consul
from monolith.discovery.consul_sidecar import Patience, Sidecar
from monolith.testing import virtual_time
from monolith.testing.fake_consul import FakeConsul
from monolith.testing.fake_sidecar import Entry, FakeSidecar
from monolith.testing.http_server import Line, Wire
from tests.conformance.world import Beyond, World
from tests.integration.discovery.consul_agent import Agent
from tests.integration.discovery.forwarder import Forwarder

T = TypeVar("T")


class Process(Consul):
    """A client that gives signs of life while it is connected, unless it stands still."""

    def __init__(self, address: str, *, ttl_s: float, **how: Any) -> None:
        super().__init__(address, ttl_s=ttl_s, timeout_s=1.0, **how)
        self._beating: asyncio.Task[None] | None = None
        self._every_s = ttl_s / 3

    async def connect(self) -> None:
        await super().connect()
        self.beat()

    async def disconnect(self) -> None:
        await self.stand_still()
        await super().disconnect()

    def beat(self) -> None:
        self._beating = self._beating or asyncio.create_task(self._beat())

    async def stand_still(self) -> None:
        if self._beating:
            self._beating.cancel()
            await asyncio.wait({self._beating})
            self._beating = None

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            for service_id in list(self._mine):
                try:
                    await self.heartbeat(service_id)
                except Exception as exc:  # as the heartbeat of a role
                    print("heartbeat:", exc)


class ConsulWorld(World):
    """Clients of one agent, which forgets all when it is restarted, as one without a folder does."""

    cannot: ClassVar = {}

    async def kill(self, client: Backend) -> None:
        assert isinstance(client, Process)
        await client.stand_still()

    freeze = kill

    async def thaw(self, client: Backend) -> None:
        assert isinstance(client, Process)
        client.beat()


class RealConsulWorld(ConsulWorld):
    """An agent of its own, each client behind a way that can be cut."""

    name = "consul"

    def __init__(self, folder: Path, *, ttl_s: float = 1.0) -> None:
        super().__init__(folder)
        self._ttl_s = ttl_s
        self.agent = Agent(folder)
        self.agent.start()
        self._ways: dict[Backend, Forwarder] = {}

    def client(self) -> Backend:
        way = Forwarder(self.agent.port)
        client = Process(f"127.0.0.1:{way.port}", ttl_s=self._ttl_s)
        self._ways[client] = way
        return client

    async def cut(self, client: Backend) -> None:
        self._ways[client].cut()

    async def mend(self, client: Backend) -> None:
        self._ways[client].mend()

    async def stop_server(self) -> None:
        await asyncio.to_thread(self.agent.kill)

    async def start_server(self) -> None:
        await asyncio.to_thread(self.agent.start)

    async def plant(self, service_type: str, index: int, text: str) -> None:
        async with httpx.AsyncClient(base_url=self.agent.url, trust_env=False) as http:
            await plant(http, service_type, index, text)

    def close(self) -> None:
        for way in self._ways.values():
            way.close()
        self.agent.kill()


class FakeConsulWorld(ConsulWorld):
    """The fake, without a socket."""

    name = "consul (fake)"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.agent = FakeConsul()
        self._wires: dict[Backend, Wire] = {}

    def client(self) -> Backend:
        wire = Wire(self.agent)
        client = Process("", ttl_s=3.0, transport=wire)
        self._wires[client] = wire
        return client

    def run(self, play: Coroutine[Any, Any, T]) -> T:
        return virtual_time.run(play)[0]

    async def cut(self, client: Backend) -> None:
        self._wires[client].line = Line.SILENT

    async def mend(self, client: Backend) -> None:
        self._wires[client].line = Line.OPEN

    async def stop_server(self) -> None:
        for wire in self._wires.values():
            wire.reset()
        self.agent.forget()

    async def start_server(self) -> None:
        for wire in self._wires.values():
            wire.line = Line.OPEN

    async def plant(self, service_type: str, index: int, text: str) -> None:
        async with httpx.AsyncClient(transport=Wire(self.agent), base_url="http://consul") as http:
            await plant(http, service_type, index, text)


class FakeSidecarWorld(World):
    """The fake of ByteDance's sidecar, without a socket."""

    name = "consul sidecar (fake)"
    patience_s = 12.0
    _SAID = "the sidecar keeps nothing but type, index and address"
    _ONE_PORT = "an entry is known by its port: one address, one service"
    _STAYS = "how a sidecar treats those who fall silent is not known: the fake keeps them"
    cannot: ClassVar = {
        "a_successor_at_the_same_address_stays": _ONE_PORT,
        "a_dot_in_a_type_does_no_harm": _ONE_PORT,
        "a_slash_in_a_type_does_no_harm": _ONE_PORT,
        "events_come_in_order": "who moves is away for a moment",
        "a_thousand_are_found": "each registration reads the whole job twice: that takes a minute",
        "one_index_can_be_claimed_twice": "the later claim replaces the earlier",
        "odd_characters_come_through": _SAID,
        "the_dead_disappear": _STAYS,
        "the_frozen_disappear": _STAYS,
        "a_cut_network_heals": _STAYS,
    }

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.sidecar = FakeSidecar()
        self._wires: list[Wire] = []

    def client(self) -> Backend:
        self._wires.append(Wire(self.sidecar))
        patience = Patience(lookup_s=1.0, backoff_s=1.0)
        return Sidecar("127.0.0.1:2280", "job", patience=patience, transport=self._wires[-1])

    def service(self, index: int = 0, *, host: str = "10.0.0.1", **metadata: str) -> ServiceInfo:
        if index > 100:
            raise Beyond(self.cannot["a_thousand_are_found"])
        info = ServiceInfo.listed("ps", index, super().service(index, host=host).address)
        return attrs.evolve(info, metadata={**info.metadata, **metadata})

    def run(self, play: Coroutine[Any, Any, T]) -> T:
        return virtual_time.run(play)[0]

    async def stop_server(self) -> None:
        for wire in self._wires:
            wire.reset()

    async def start_server(self) -> None:
        for wire in self._wires:
            wire.line = Line.OPEN

    async def plant(self, service_type: str, index: int, text: str) -> None:
        tags = {"name": service_type, "index": str(index), "ip": text}
        self.sidecar.entries["job-1"] = Entry("job", 1, tags)


async def plant(http: httpx.AsyncClient, service_type: str, index: int, text: str) -> None:
    """Register by hand, where only an address is amiss."""
    tags = [f"name:{service_type}", f"index:{index}"]
    body = {"ID": "planted", "Name": "monolith", "Tags": tags, "Address": text, "Port": 1}
    (await http.put("/v1/agent/service/register", json=body)).raise_for_status()


WORLDS: tuple[type[World], ...] = (FakeConsulWorld, RealConsulWorld, FakeSidecarWorld)
