"""A call beside the loop."""

import asyncio
import threading
import time

import pytest

from monolith.aio.daemon import in_daemon


def test_gives_what_the_call_gives() -> None:
    assert asyncio.run(in_daemon(lambda: threading.current_thread().daemon)) is True


def test_raises_what_the_call_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(in_daemon(lambda: 1 // 0))


def test_nobody_waits_for_it_at_the_end() -> None:
    released = threading.Event()

    async def main() -> None:
        async with asyncio.timeout(0.05):
            await in_daemon(lambda: released.wait(60))

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert time.monotonic() - began < 30  # and not sixty
    released.set()
