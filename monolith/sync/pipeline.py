"""The messages of one round in order: while one travels the next is written, and sent behind it.

Who sends a message only when the one before has arrived lets writer, wire and receiver wait for each other
in turn. A receiver that gets the later one first says that it came too early, and gets it again. One that is
slow is sent nothing early: what waits there behind another would be given up before its turn comes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias

from monolith.core.errors import PushFailed
from monolith.sync.link import Reply
from monolith.sync.message import Message
from monolith.sync.source import Round
from monolith.wire.pushes import PushStatus

Write: TypeAlias = Callable[[int], Awaitable[Message]]  # told the number of the message before
Send: TypeAlias = Callable[[bytes], Awaitable[Reply]]
Early: TypeAlias = asyncio.Future[Reply] | None  # the answer to a message that was sent early

FAILURES = 2  # of one message, after which a round of changes is let go
log = logging.getLogger(__name__)


class Pipeline:
    """What `write` writes of a round, one message ahead of who takes them.

    From the third on they are sent early, where the last one that was answered was answered quickly.
    """

    def __init__(self, found: Round, write: Write, send: Send, quick: Callable[[], bool]) -> None:
        self.round = found
        self._write = write
        self._send = send
        self._quick = quick
        self._answered = False  # the first
        self._failures = 0  # of the message that was taken last
        self._early: Early = None  # that one

    async def messages(self, before: int) -> AsyncGenerator[Message]:
        """One after the other, each to be taken when the one before has arrived. `before` numbers the latest.

        What has been sent early is given even if the round is let go: perhaps it has arrived.
        """
        coming = asyncio.ensure_future(self._next(before))
        try:
            taken = True
            while taken:
                message, self._early = await coming
                self._failures = 0
                following = not message.last and self.round.held
                if following:
                    coming = asyncio.ensure_future(self._next(message.sequence))
                yield message
                self._answered = True
                taken = following and (self.round.held or _is_sent(coming))
        finally:
            await self._end(coming)

    async def arrived_early(self) -> bool:
        """Whether the message that was taken last was sent early, and has arrived."""
        if self._early is None:
            return False
        try:
            return (await self._early).status == PushStatus.OK
        except PushFailed:
            return False

    def failed(self) -> None:
        """The message that was taken last did not arrive yet: until it has, none is sent behind it.

        What changed is kept where it is; in the meantime more may have, so that the rest of it is not sent if
        this goes on.
        """
        self._failures += 1
        if self._failures == FAILURES and not self.round.whole:
            self.round.let_go()

    async def _next(self, before: int) -> tuple[Message, Early]:
        """What is written after the round was let go must not be sent: it is not the last, but says so."""
        message = await self._write(before)
        well = self._answered and not self._failures and self._quick()
        return message, asyncio.ensure_future(self._send(message.body)) if well else None

    async def _end(self, coming: asyncio.Future[tuple[Message, Early]]) -> None:
        """Leave nothing behind: writing cannot be broken off, sending can."""
        self._failures += 1  # so that what is being written is not sent
        early = [self._early] if self._early else []
        for sent in early:
            sent.cancel()
        await asyncio.wait({coming})
        if coming.cancelled():
            return
        if error := coming.exception():
            log.warning("ParameterSync: what comes next cannot be written: %r", error)
        elif sent_last := coming.result()[1]:
            sent_last.cancel()
            early.append(sent_last)
        await asyncio.gather(*early, return_exceptions=True)


def _is_sent(coming: asyncio.Future[tuple[Message, Early]]) -> bool:
    return coming.done() and coming.result()[1] is not None
