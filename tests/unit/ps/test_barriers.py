"""Barriers without and with a server: what both do, and what only the one with a server says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import BarrierMisused, BarrierRpcError, BarrierTimedOut, ConfigError, PsError
from monolith.ps.barriers import Barrier, InMemoryBarrier, PsBarrier
from monolith.ps.client import PsClient
from monolith.ps.shard import LocalShard
from monolith.testing import virtual_time

TIMEOUT_MS = 10_000
BOTH = pytest.mark.parametrize(
    "made", [InMemoryBarrier, lambda _: over(LocalShard(0), 10**6)], ids=["in_memory", "over_ps"]
)
Stay = tuple[int, int, int]  # comes, gives up unless released by then, comes again for good


def over(shard: LocalShard, timeout_ms: int = TIMEOUT_MS) -> PsBarrier:
    return PsBarrier(PsClient([shard]), timeout_ms)


@st.composite
def stays(draw: st.DrawFn) -> list[Stay]:
    """Of one to five workers; no two things happen at once."""
    moments = draw(st.integers(1, 5).flatmap(lambda n: st.permutations(range(3 * n))))
    return [tuple(sorted(moments[i : i + 3])) for i in range(0, len(moments), 3)]


def meeting(plan: list[Stay]) -> int:
    """The first moment at which all are there."""
    return min(
        moment
        for stay in plan
        for moment in stay
        if all(come <= moment < leave or moment >= back for come, leave, back in plan)
    )


async def until(moment: float) -> None:
    await asyncio.sleep(moment - asyncio.get_running_loop().time())


async def attend(barrier: Barrier, worker: int, plan: list[Stay], begin: float) -> float:
    """When `worker` was released."""
    come, leave, back = (begin + moment for moment in plan[worker])
    await until(come)
    try:
        async with asyncio.timeout_at(leave):
            await barrier.wait("b", worker, len(plan))
    except TimeoutError:
        await until(back)
        await barrier.wait("b", worker, len(plan))
    return asyncio.get_running_loop().time() - begin


@BOTH
@given(plan=stays())
def test_all_go_once_all_are_there(made: Callable[[int], Barrier], plan: list[Stay]) -> None:
    """Twice, since a barrier is used round after round."""

    async def play() -> None:
        barrier = made(len(plan))
        for _ in range(2):
            begin = asyncio.get_running_loop().time()
            released = await asyncio.gather(*(attend(barrier, w, plan, begin) for w in range(len(plan))))
            assert released == [meeting(plan)] * len(plan)

    virtual_time.run(play())


@BOTH
def test_nobody_goes_alone(made: Callable[[int], Barrier]) -> None:
    with pytest.raises(TimeoutError):
        virtual_time.run(asyncio.wait_for(made(2).wait("b", 1, 2), 900))


def test_a_barrier_of_nobody_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^Invalid configuration: num_workers must be greater than zero$"):
        InMemoryBarrier(0)


class Stranger(LocalShard):
    """Answers at barriers by `raising`, or never."""

    def __init__(self, raising: Exception | None) -> None:
        super().__init__(0)
        self._raising = raising

    async def gather(self, *_: object) -> tuple[bytes, ...]:
        await asyncio.sleep(0 if self._raising else 10**6)
        raise self._raising


@pytest.mark.parametrize(
    ("shard", "after_s", "note"),
    [
        (LocalShard(0), 10, "1 of 3 arrived at step0 within 10000ms, missing worker-0, worker-2"),
        (Stranger(None), 12.5, "no answer about step0 within 12500ms"),
    ],
    ids=["others_missing", "server_silent"],
)
def test_waiting_ends_in_time(shard: LocalShard, after_s: float, note: str) -> None:
    async def play() -> BarrierTimedOut:
        with pytest.raises(BarrierTimedOut) as caught:
            await over(shard).wait("step0", 1, 3)
        return caught.value

    error, elapsed = virtual_time.run(play())
    assert (str(error), error.__notes__, elapsed) == ("Barrier timeout", [note], after_s)


@pytest.mark.parametrize(
    ("worker", "num_workers", "timeout_ms", "problem"),
    [
        (0, 0, 0, "timeout_ms must be greater than zero"),
        (0, 0, 1, "num_workers must be greater than zero"),
        (3, 3, 1, "worker_id 3 out of range for num_workers=3"),
        (-1, 3, 1, "worker_id -1 out of range for num_workers=3"),
        (0, 3, 1, "Worker 0 already arrived for barrier timeout"),
        (1, 2, 1, "Barrier timeout expects num_workers=3, got 2"),
    ],
)
def test_misuse_is_no_timeout(worker: int, num_workers: int, timeout_ms: int, problem: str) -> None:
    """Whatever the barrier is called: kinds of errors are told apart by class."""

    async def play() -> None:
        shard = LocalShard(0)
        async with asyncio.TaskGroup() as others:
            first = others.create_task(over(shard).wait("timeout", 0, 3))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            with pytest.raises(BarrierMisused) as caught:
                await over(shard, timeout_ms).wait("timeout", worker, num_workers)
            first.cancel()
        assert str(caught.value) == f"Barrier invalid configuration: {problem}"
        assert str(caught.value.__cause__) == f"Invalid configuration: {problem}"

    virtual_time.run(play())


@pytest.mark.parametrize("raised", [PsError("forced barrier failure"), OSError("forced barrier failure")])
def test_other_failures_keep_their_cause(raised: Exception) -> None:
    with pytest.raises(BarrierRpcError, match=r"^Barrier RPC error: forced barrier failure$") as caught:
        virtual_time.run(over(Stranger(raised)).wait("step0", 0, 2))
    cause = caught.value.__cause__
    assert raised in (cause, cause.__cause__)
