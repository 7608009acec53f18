"""scenario → what was called, what came of it, and how long it took on a clock of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from monolith.config.job import MeetingSettings
from monolith.core.names import ServiceId
from monolith.discovery.base import ServiceInfo
from monolith.runner.lifecycle import run
from monolith.testing import virtual_time
from tests.matrix.axes import Mode, Scenario, Step

SETTINGS = MeetingSettings()
FOREVER = 10**6


@dataclass(frozen=True)
class Outcome:
    calls: tuple[str, ...]
    error: BaseException | None
    seconds: float


class Scripted:
    """A discovery backend, and a role, that misbehave to order."""

    def __init__(self, scenario: Scenario) -> None:
        self.calls: list[str] = []
        self._modes = {"deregister": scenario.deregister, "disconnect": scenario.disconnect}
        if scenario.fault:
            self._modes[scenario.fault.step] = scenario.fault.mode

    async def _do(self, step: str) -> None:
        self.calls.append(step)
        match self._modes.get(step, Mode.OK):
            case Mode.FAILS:
                raise RuntimeError(f"forced {step} failure")
            case Mode.HANGS:
                await asyncio.sleep(FOREVER)

    async def connect(self) -> None:
        await self._do(Step.CONNECT)

    async def register(self, info: ServiceInfo) -> None:
        await self._do(Step.REGISTER)

    async def play(self) -> str:
        await self._do(Step.PLAY)
        return "played"

    async def deregister(self, info: ServiceInfo) -> None:
        await self._do("deregister")

    async def disconnect(self) -> None:
        await self._do("disconnect")

    async def discover(self, service_type: str) -> list[ServiceInfo]:
        raise AssertionError(f"the lifecycle looks for nobody, but looked for {service_type}")

    async def heartbeat(self, info: ServiceInfo) -> None:
        raise AssertionError("the lifecycle beats no heart")


def info(scenario: Scenario) -> ServiceInfo:
    return ServiceInfo(
        service_id=str(ServiceId(scenario.role, scenario.index)),
        service_type=scenario.names.of(scenario.role),
        index=scenario.index,
        address="127.0.0.1:1",
    )


def play(scenario: Scenario) -> Outcome:
    script = Scripted(scenario)

    async def main() -> BaseException | None:
        try:
            await run(script, info(scenario), script.play, SETTINGS)
        except Exception as exc:
            return exc
        return None

    error, seconds = virtual_time.run(main())
    return Outcome(tuple(script.calls), error, seconds)
