"""Every point is somewhere in the life of a role, and what is wrapped does what it did."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from monolith.cli.harmed import harmed
from monolith.config.distributed import DistributedRunConfig
from monolith.config.runner import RunnerConfig
from monolith.core.failpoint import VARIABLE, Failpoint, Point
from monolith.core.names import Role
from monolith.core.stop import Stop
from monolith.discovery.memory import InMemory
from monolith.ps.shard import LocalShard
from monolith.runner import run_distributed


class Listening:
    """A server without a socket."""

    async def prepare(self) -> None: ...

    async def start(self) -> str:
        return "127.0.0.1:1"

    async def stop(self, grace_s: float) -> None: ...

    def figures(self) -> dict[str, object]:
        return {"rows": 0}


def job(failpoint: Failpoint | None) -> Any:
    """A parameter server, which comes to harm, and then a worker, which does too."""
    discovery, stop = InMemory(), Stop()

    async def play(role: Role, **ways: Any) -> Any:
        runner = RunnerConfig(is_local=False, num_ps=1, num_workers=1, connect_retries=0)
        given: Any = {"connect_shards": lambda _: [LocalShard(0)], "serve": lambda *_: Listening(), **ways}
        mine, given = harmed(discovery, given, failpoint)
        return await run_distributed(mine, DistributedRunConfig(runner, role), **given)

    async def both() -> Any:
        found = asyncio.Event()
        serving = asyncio.create_task(play(Role.PS, ready=lambda _: found.set(), stop=stop))
        await asyncio.wait({serving, asyncio.ensure_future(found.wait())}, return_when="FIRST_COMPLETED")
        if not serving.done():
            await play(Role.WORKER)
        stop.ask()
        return await serving

    return asyncio.run(both())


@pytest.mark.parametrize("point", Point)
def test_every_point_is_reached(point: Point) -> None:
    said: list[str] = []
    with pytest.raises(Exception, match="on purpose"):
        job(Failpoint.of({VARIABLE: f"{point}=fail"}, said.append))
    assert f"failpoint {point} reached" in said


def test_nothing_is_wrapped_for_nothing() -> None:
    discovery = InMemory()
    assert harmed(discovery, {}, None) == (discovery, {})
    assert job(None) == {"rows": 0}
