"""Cancelled while it works or only while it undoes, once or more: all is undone, and it ends as cancelled."""

import asyncio

import pytest

from monolith.aio.unwind import Unwind
from monolith.testing.virtual_time import run


@pytest.mark.parametrize("cancels", [1, 2, 3])
@pytest.mark.parametrize(("works_s", "over_at_s"), [(100, 1.1), (0, 1.0)])
def test_cleanup_survives_cancellation(works_s: int, over_at_s: float, cancels: int) -> None:
    undone = []

    async def undo() -> None:
        await asyncio.sleep(1)
        undone.append("slow")

    async def role() -> None:
        async with Unwind(ms=5000) as unwind:
            unwind.undo("quick", lambda: asyncio.sleep(0, undone.append("quick")))
            unwind.undo("slow", undo)
            await asyncio.sleep(works_s)

    async def main() -> None:
        task = asyncio.ensure_future(role())
        for _ in range(cancels):
            await asyncio.sleep(0.1)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    _, seconds = run(main())
    assert undone == ["slow", "quick"]
    assert round(seconds, 3) == over_at_s
