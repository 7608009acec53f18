"""Waiting at a barrier, from threads and from coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import pytest

from monolith.core.errors import BarrierError, BarrierMisused, BarrierTimedOut, ShardUnavailable
from monolith.ps.barrier import Arrival, Notes
from monolith.ps.meeting import MeetingPlace

LONG_MS = 30_000  # nobody waits that long in these tests unless a wake-up is lost
WORKERS = 8


@pytest.fixture
def place() -> MeetingPlace:
    return MeetingPlace(0)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(WORKERS) as pool:
        yield pool


def arrival(worker: int, n: int = 2, attempt: int = 0) -> Arrival:
    return Arrival("b", worker, n, f"from {worker}".encode(), attempt)


async def until_there(place: MeetingPlace, count: int) -> None:
    async with asyncio.timeout(LONG_MS / 1000):
        while place.arrived("b") != count:
            await asyncio.sleep(0.001)


def test_all_threads_take_all_notes(place: MeetingPlace, threads: ThreadPoolExecutor) -> None:
    expected = tuple(f"from {w}".encode() for w in range(WORKERS))
    for _ in range(50):
        met = threads.map(lambda w: place.meet(arrival(w, WORKERS), LONG_MS), range(WORKERS))
        assert set(met) == {expected}


def test_threads_meet_coroutines(place: MeetingPlace, threads: ThreadPoolExecutor) -> None:
    waiting: Future[Notes] = threads.submit(place.meet, arrival(0), LONG_MS)
    assert asyncio.run(place.meet_async(arrival(1), LONG_MS)) == waiting.result(30)


@pytest.mark.parametrize(
    ("n", "missing"), [(2, "worker-0"), (9, "worker-0, worker-2, worker-3, worker-4, worker-5 and 3 more")]
)
def test_one_alone_runs_out_of_time(place: MeetingPlace, n: int, missing: str) -> None:
    with pytest.raises(
        BarrierTimedOut, match=f"1 of {n} arrived at b within 0ms, missing {missing}$"
    ) as caught:
        place.meet(arrival(1, n), 0)
    assert (caught.value.arrived, caught.value.expected, caught.value.after_ms) == (1, n, 0)
    assert place.arrived("b") == 0


def test_one_may_come_after_giving_up(place: MeetingPlace, threads: ThreadPoolExecutor) -> None:
    with pytest.raises(BarrierTimedOut):
        asyncio.run(place.meet_async(arrival(0), 1))
    first = threads.submit(place.meet, arrival(0), LONG_MS)
    assert place.meet(arrival(1), LONG_MS) == first.result(30)


def test_the_cancelled_do_not_count(place: MeetingPlace) -> None:
    async def play() -> None:
        waiting = asyncio.ensure_future(place.meet_async(arrival(0), LONG_MS))
        await until_there(place, 1)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting

    asyncio.run(play())
    assert place.arrived("b") == 0


def test_a_retry_shares_the_release(place: MeetingPlace) -> None:
    async def play() -> list[Notes]:
        lost = asyncio.ensure_future(place.meet_async(arrival(0, attempt=7), LONG_MS))
        await until_there(place, 1)
        again = asyncio.ensure_future(place.meet_async(arrival(0, attempt=7), LONG_MS))
        await asyncio.sleep(0)
        last = await place.meet_async(arrival(1), LONG_MS)
        return [await lost, await again, last]

    first, second, third = asyncio.run(play())
    assert first == second == third == (b"from 0", b"from 1")


def test_a_lost_call_leaves_its_retry(place: MeetingPlace) -> None:
    lost, again = (place.enter(arrival(0, attempt=7), LONG_MS) for _ in range(2))
    place.give_up(lost)
    assert not again.notes.done()
    assert place.meet(arrival(1), LONG_MS) == place.wait(again, LONG_MS)
    place.give_up(again)


def test_giving_up_wakes_the_thread(place: MeetingPlace, threads: ThreadPoolExecutor) -> None:
    seat = place.enter(arrival(0), LONG_MS)
    waiting = threads.submit(place.wait, seat, LONG_MS)
    place.give_up(seat)
    with pytest.raises(BarrierError, match="worker 0 left barrier b"):
        waiting.result(10)


def test_closing_sends_everyone_away(place: MeetingPlace) -> None:
    async def play() -> None:
        waiting = asyncio.ensure_future(place.meet_async(arrival(0), LONG_MS))
        await until_there(place, 1)
        place.close()
        await waiting

    with pytest.raises(ShardUnavailable, match="ps-0 is stopping"):
        asyncio.run(play())
    with pytest.raises(ShardUnavailable):
        place.meet(arrival(0), LONG_MS)


def test_arrivals_are_judged(place: MeetingPlace) -> None:
    with pytest.raises(BarrierMisused):
        place.enter(arrival(5), LONG_MS)
    assert place.arrived("b") == 0
