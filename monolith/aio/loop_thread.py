"""An event loop for code that has none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """A loop that runs on a thread of its own until `close`."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def submit(self, call: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin `call` there; `.result()` waits for it, from any thread but the loop's own."""
        return asyncio.run_coroutine_threadsafe(call, self.loop)

    def close(self) -> None:
        """Cancel what still runs there, and end the thread."""
        self.submit(_call_off_the_rest()).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


async def _call_off_the_rest() -> None:
    """Cancel what was submitted and never waited for, after an interrupt say."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
