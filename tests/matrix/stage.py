"""Doubles that follow a scenario's script: a backend, shards, a server, a training."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from monolith.config.runner import RunnerConfig
from monolith.core.errors import LaunchError, PsError
from monolith.core.names import Role, ServiceId
from monolith.core.stop import Stop
from monolith.discovery.base import ServiceInfo
from monolith.ps.api import Shard
from monolith.ps.client import PsClient
from monolith.ps.shard import LocalShard
from monolith.runner.part import Ways
from tests.matrix.axes import Mode, Scenario, Step

NUM_WORKERS = 4
ADDRESSES = ["10.0.0.1:1000", "10.0.0.10:1000"]  # by index; as texts, they would be the other way round
FOREVER_S = 10**6
DISORDERLY = {Step.ORDERING, Step.ORDERING_THEN_DISCOVER, Step.DISCOVER_THEN_ORDERING}
SERVED_S = 1.0  # after which a parameter server is asked to stop


async def go(mode: Mode, error: Exception) -> None:
    """Do as `mode` says."""
    if mode is Mode.FAILS:
        raise error
    if mode is Mode.HANGS:
        await asyncio.sleep(FOREVER_S)


class Stage:
    """What one process meets. `calls` has what it asked of the backend, but for signs of life."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._step = scenario.fault and scenario.fault.step
        self._modes: dict[str, Mode] = {"deregister": scenario.deregister, "disconnect": scenario.disconnect}
        if scenario.fault:
            self._modes[scenario.fault.step] = scenario.fault.mode
        self._looks = 0
        self.calls: list[str] = []
        self.beats: list[float] = []
        self.registered_at: float | None = None
        self.registered: ServiceInfo | None = None
        self.trained = False
        self.listening = False
        self.stop = Stop()

    def mode(self, step: str) -> Mode:
        """How `step` goes here."""
        return self._modes.get(step, Mode.OK)

    @property
    def ways(self) -> Ways:
        return {
            "train": self.train,
            "connect_shards": self.shards,
            "serve": lambda config, bind_addr: StagedServer(self, config, bind_addr),
            "ready": self.ready,
            "stop": self.stop,
            "environ": {},
        }

    async def connect(self) -> None:
        await self._do("connect")

    async def register(self, info: ServiceInfo) -> None:
        self.registered = info
        await self._do("register")
        self.registered_at = asyncio.get_running_loop().time()

    async def deregister(self, service_id: str) -> None:
        assert service_id == str(ServiceId(self._scenario.role, self._scenario.index))
        await self._do("deregister")

    async def disconnect(self) -> None:
        await self._do("disconnect")

    async def heartbeat(self, service_id: str) -> None:
        assert "register" in self.calls
        assert "deregister" not in self.calls
        self.beats.append(asyncio.get_running_loop().time())

    async def discover(self, service_type: str) -> list[ServiceInfo]:
        assert service_type == self._scenario.names.of(Role.PS)
        self._looks += 1
        await self._do("discover", self._step_of_look())
        return self._services(service_type)

    def _step_of_look(self) -> Step:
        """The step whose mode decides how this look goes."""
        changing = Step.DISCOVER_THEN_ORDERING if self._looks == 1 else Step.ORDERING_THEN_DISCOVER
        return changing if self._step is changing else Step.DISCOVER

    def _services(self, service_type: str) -> list[ServiceInfo]:
        if self._step is Step.EMPTY_DISCOVERY:
            return []
        first = ServiceInfo.of(ServiceId(Role.PS, 0), service_type, ADDRESSES[0])
        second = ServiceInfo.of(ServiceId(Role.PS, 1), service_type, ADDRESSES[1])
        if self._step in DISORDERLY:
            second = ServiceInfo("ps-1", "ps-1", service_type, "10.0.0.10", 1000)  # with no index
        return [second, first]

    async def _do(self, call: str, step: str = "") -> None:
        self.calls.append(call)
        await go(self.mode(step or call), RuntimeError(f"Internal error: forced {call} failure"))

    def shards(self, addresses: Sequence[str]) -> list[Shard]:
        assert addresses == ADDRESSES
        return [StagedShard(self, index) for index in range(len(addresses))]

    async def train(self, _client: PsClient) -> dict[str, object]:
        self.trained = True
        await go(self.mode(Step.TRAINING), RuntimeError("forced training failure"))
        return {"steps": 1}

    def ready(self, _address: str) -> None:
        assert self.listening
        asyncio.get_running_loop().call_later(SERVED_S, self.stop.ask)


class StagedShard(LocalShard):
    """A real shard, at which the other workers arrive too unless the script says otherwise."""

    def __init__(self, stage: Stage, index: int) -> None:
        super().__init__(index, random=bytes, clock=lambda: 0.0)
        self._stage = stage
        self._others: list[asyncio.Task[object]] = []

    async def connect(self) -> None:
        await go(self._stage.mode(Step.PS_CONNECT), RuntimeError("forced ps_connect failure"))

    async def gather(
        self, barrier: str, worker: int, num_workers: int, payload: bytes, timeout_ms: int
    ) -> tuple[bytes, ...]:
        mode = self._stage.mode(Step.BARRIER)
        if mode is Mode.FAILS:
            raise PsError("forced barrier failure")
        others = [w for w in range(num_workers) if w != worker and mode is Mode.OK]
        arrivals = [super(StagedShard, self).gather(barrier, w, num_workers, b"", timeout_ms) for w in others]
        mine = super().gather(barrier, worker, num_workers, payload, timeout_ms)
        return (await asyncio.gather(mine, *arrivals))[0]


class StagedServer:
    """What a parameter server listens with."""

    def __init__(self, stage: Stage, config: RunnerConfig, bind_addr: str) -> None:
        self._stage, self._bind_addr = stage, bind_addr

    async def prepare(self) -> None:
        assert "connect" in self._stage.calls

    async def start(self) -> str:
        await go(self._stage.mode(Step.SERVER), LaunchError("forced server failure"))
        self._stage.listening = True
        return self._bind_addr.replace(":0", ":4711")

    async def stop(self, grace_s: float) -> None:
        self._stage.listening = False

    def figures(self) -> dict[str, object]:
        return {"rows": 0}
