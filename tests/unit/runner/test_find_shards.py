"""Patience, and what is told when it ends."""

import asyncio
from collections.abc import Sequence

import pytest

from monolith.config.distributed import DistributedRunConfig
from monolith.config.runner import RunnerConfig
from monolith.core.errors import OperationFailed, ShardsNotFound
from monolith.discovery.base import ServiceInfo
from monolith.runner.find_shards import find_shards
from monolith.testing.virtual_time import run

CONFIG = DistributedRunConfig(RunnerConfig(index=1, num_ps=2, connect_retries=2, retry_backoff_ms=500))


def ps(index: int | None, address: str = "") -> ServiceInfo:
    host, port = (address or f"h:{index}").split(":")
    return ServiceInfo("ps", "ps", "ps", host, int(port), {} if index is None else {"index": str(index)})


class Looks:
    """A backend that shows one thing a look; an exception is raised, None hangs."""

    def __init__(self, looks: Sequence[object]) -> None:
        self._looks = list(looks)

    async def discover(self, service_type: str) -> list[ServiceInfo]:
        look = self._looks.pop(0)
        if isinstance(look, Exception):
            raise look
        if look is None:
            await asyncio.sleep(10**6)
        return look  # type: ignore[return-value]


def find(looks: Sequence[object]) -> tuple[object, float]:
    async def main() -> object:
        try:
            return await find_shards(Looks(looks), CONFIG)  # type: ignore[arg-type]
        except ShardsNotFound as exc:
            return exc

    return run(main())


BOTH = [ps(1), ps(0)]


@pytest.mark.parametrize(
    ("looks", "seconds"),
    [
        ([BOTH], 0.0),
        ([[ps(0)], BOTH], 0.5),
        ([OperationFailed("x"), [], BOTH], 1.0),
        ([None, BOTH], 5.5),
        ([[*BOTH, ps(2)]], 0.0),
    ],
)
def test_finds_them_in_shard_order(looks: Sequence[object], seconds: float) -> None:
    assert find(looks) == (["h:0", "h:1"], seconds)


BASE = "Timed out waiting for PS discovery for worker-1 (service type: ps): got"


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ([[], [], []], "0 expected 2 (attempts: 3; max raw observed: 0; max usable observed: 0)"),
        (
            [[ps(None, "a:1")], [], []],
            "0 expected 2 (attempts: 3; max raw observed: 1; max usable observed: 1)",
        ),
        (
            [[], [], [ps(0)]],
            "0 expected 2 (attempts: 3; max raw observed: 1; max usable observed: 0; "
            "last ordering issue: MissingOrGappedIndexSet)",
        ),
        (
            [[ps(0)], [], OperationFailed("no agent")],
            "0 expected 2 (attempts: 3; max raw observed: 1; max usable observed: 0; "
            "last ordering issue: MissingOrGappedIndexSet; last discovery error: no agent)",
        ),
        (
            [[ps(0)], [ps(None, "a:1")], []],
            "0 expected 2 (attempts: 3; max raw observed: 1; max usable observed: 1)",
        ),
        (
            [OperationFailed("no agent"), [], []],
            "0 expected 2 (attempts: 3; max raw observed: 0; max usable observed: 0)",
        ),
        (
            [[ps(1)], [ps(None, "a:1")], []],
            "0 expected 2 (attempts: 3; max raw observed: 1; max usable observed: 1)",
        ),
    ],
)
def test_tells_what_was_seen(looks: Sequence[object], told: str) -> None:
    error, _ = find(looks)
    assert str(error) == f"{BASE} {told}"
    assert (error.found, error.expected) == (0, 2)  # type: ignore[attr-defined]
