"""Wait, on the event loop, for a stop that is asked for anywhere."""

from __future__ import annotations

import asyncio

from monolith.core.stop import Stop


async def stopped(stop: Stop) -> None:
    """Return once `stop` is asked, from whatever thread or signal handler."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    stop.listen(lambda: _set(loop, asked))
    await asked.wait()


def _set(loop: asyncio.AbstractEventLoop, asked: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(asked.set)
