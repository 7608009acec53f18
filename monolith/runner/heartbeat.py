"""Stay known while playing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

STOP_WITHIN_S = 0.1
END_WITHIN_MS = 1_000  # to stop it, with all that goes with it
log = logging.getLogger(__name__)


class Heartbeat:
    """Calls `beat` every `interval_s` seconds, first after one whole interval.

    A beat that fails is told in the log and is not the last; one that blocks ends with the heartbeat.
    """

    def __init__(self, beat: Callable[[], Awaitable[None]], interval_s: float) -> None:
        self._beat = beat
        self._interval_s = interval_s
        self._task: asyncio.Task[None] | None = None
        self._ending = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End it, and do not wait long for a beat that will not."""
        if self._task is None:
            return
        self._ending = True  # also for a beat that takes no notice of its cancellation
        self._task.cancel()
        done, _ = await asyncio.wait({self._task}, timeout=STOP_WITHIN_S)
        if not done:
            log.warning("Heartbeat task did not stop promptly; forced abort")

    async def _run(self) -> None:
        while not self._ending:
            await asyncio.sleep(self._interval_s)
            try:
                await self._beat()
            except asyncio.CancelledError as exc:
                if self._ending:
                    raise
                log.warning("Discovery heartbeat failed: %r", exc)  # the backend has cancelled its own call
            except Exception as exc:  # whatever a backend raises: one missed beat ends nothing
                log.warning("Discovery heartbeat failed: %s", exc)
