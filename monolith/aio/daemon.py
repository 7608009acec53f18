"""A blocking call beside the event loop, which nobody waits for when the program ends.

Unlike `asyncio.to_thread`, whose threads are joined on the way out: a compiler, or a file system that is
gone, would hold a process that was asked to stop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def in_daemon(call: Callable[[], T]) -> T:
    """The result of `call`, from a thread of its own; whoever is cancelled leaves the thread to itself."""
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()  # whoever waits may be cancelled, the call may not

    def run() -> None:
        try:
            done.set_result(call())
        except BaseException as exc:  # it belongs to whoever awaits
            done.set_exception(exc)

    threading.Thread(target=run, name="beside the loop", daemon=True).start()
    return await asyncio.wrap_future(done)
