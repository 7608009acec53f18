"""Pushes to one target: how long they take, what is said of those that fail, and the pause after one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from monolith.core.errors import PushFailed
from monolith.sync.link import Link, Reply
from monolith.sync.patience import Pace, Patience
from monolith.sync.pushed import Pushed

log = logging.getLogger(__name__)


def loop_s() -> float:
    """What spans of time are measured with: the machine's own time may be set back."""
    return asyncio.get_running_loop().time()


class Stopping(Exception):
    """The end was asked for while a failure was waited out."""


class Delivery:
    """Pushes over `link`; counts failures in `pushed`. `name` is what the target is called in messages."""

    def __init__(self, name: str, link: Link, pace: Pace, patience: Patience, pushed: Pushed) -> None:
        self._name = name
        self._link = link
        self._timeout_s = pace.timeout_s
        self._patience = patience
        self._pushed = pushed
        self._stop = asyncio.Event()
        self._took_s = 0.0  # the last, until it was answered or given up
        self._said: set[str] = set()  # of failures since it last worked

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        """Wait no more."""
        self._stop.set()

    async def close(self) -> None:
        await self._link.close()

    async def wait(self, seconds: float) -> None:
        """So long, or until the end is asked for."""
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            pass

    async def push(self, body: bytes) -> Reply:
        """One try.

        Raises:
            PushFailed: it did not arrive, or nobody said that it did.
        """
        began = loop_s()
        try:
            return await self._link.push(body, self._timeout_s)
        except PushFailed:
            self._pushed.failures += 1
            raise
        finally:
            self._took_s = loop_s() - began

    def is_quick(self) -> bool:
        """Whether two pushes, one waiting for the other, are answered in time."""
        return 2 * self._took_s < self._timeout_s

    async def tried(self, body: bytes, judged: Callable[[Reply], Reply]) -> Reply | None:
        """The answer, as `judged`, which may raise PushFailed; after a failure None, and not at once.

        Raises:
            Stopping: the end was asked for meanwhile.
        """
        try:
            reply = judged(await self.push(body))
        except PushFailed as failure:
            await self._failed(failure)
            return None
        if self._said:
            log.warning("ParameterSync to %s works again", self._name)
        self._said.clear()
        self._patience.succeeded()
        return reply

    async def _failed(self, failure: PushFailed) -> None:
        if str(failure) not in self._said:
            self._said.add(str(failure))
            log.warning(
                "ParameterSyncReplicator flush failed: %s; the rows are kept, and sent again", failure
            )
        await self.wait(self._patience.failed(lasting=failure.lasting))
        if self.stopping:
            raise Stopping
