"""Several calls as one."""

from __future__ import annotations

import asyncio

import pytest

from monolith.ps.together import together


async def give(value: int, after: int = 0) -> int:
    for _ in range(after):
        await asyncio.sleep(0)
    return value


async def fail(after: int = 0) -> int:
    await give(0, after)
    raise KeyError(after)


def test_results_keep_their_order() -> None:
    assert asyncio.run(together([give(1, after=3), give(2), give(3, after=1)])) == [1, 2, 3]
    assert asyncio.run(together([])) == []


def test_the_first_error_is_the_error() -> None:
    with pytest.raises(KeyError, match="1"):
        asyncio.run(together([give(1), fail(after=4), fail(after=1)]))


@pytest.mark.parametrize("cancelled", [True, False], ids=["cancelled", "failed"])
def test_nothing_is_left_running(cancelled: bool) -> None:
    ended: list[str] = []

    async def endless() -> int:
        try:
            return await give(0, after=10**9)
        finally:
            await asyncio.sleep(0)
            ended.append("ended")

    async def play() -> None:
        call = asyncio.ensure_future(together([endless(), give(1) if cancelled else fail(after=2)]))
        await give(0, after=5)
        if cancelled:
            call.cancel()
        with pytest.raises(asyncio.CancelledError if cancelled else KeyError):
            await call
        assert ended == ["ended"]

    asyncio.run(play())
