"""Wait, on the event loop, for a stop that is asked for anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from monolith.core.errors import Stopped
from monolith.core.stop import Stop

T = TypeVar("T")


async def stopped(stop: Stop) -> None:
    """Return once `stop` is asked, from whatever thread or signal handler."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    stop.listen(lambda: _set(loop, asked))
    await asked.wait()


async def unless_stopped(stop: Stop, said: str, call: Coroutine[Any, Any, T], *, grace_s: float = 0.0) -> T:
    """The result of `call`, which is cancelled when `stop` is asked and it does not end within `grace_s`.

    Raises:
        Stopped: it was asked; `said` says who did not come to what.
    """
    work = asyncio.ensure_future(call)
    asked = asyncio.ensure_future(stopped(stop))
    try:
        await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            await asyncio.wait({work}, timeout=grace_s)
        if work.done():
            return work.result()
        raise Stopped(said)
    finally:
        asked.cancel()
        work.cancel()
        await asyncio.wait({work, asked})


def _set(loop: asyncio.AbstractEventLoop, asked: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(asked.set)
