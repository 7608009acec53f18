"""The messages of one round in order: while one travels the next is written, and sent behind it.

Who sends a message only when the one before has arrived lets writer, wire and receiver wait for each other
in turn. A receiver that gets the later one first says that it came too early, and gets it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias

from monolith.core.errors import PushFailed
from monolith.sync.link import Reply
from monolith.sync.message import Message
from monolith.sync.source import Round
from monolith.wire.pushes import PushStatus

Write: TypeAlias = Callable[[int], Awaitable[Message]]  # told the number of the message before
Send: TypeAlias = Callable[[bytes], Awaitable[Reply]]


class Pipeline:
    """What `write` writes of a round, one message ahead of who takes them; sent early while all goes well."""

    def __init__(self, found: Round, write: Write, send: Send) -> None:
        self.round = found
        self._write = write
        self._send = send
        self._going_well = True
        self._sent: asyncio.Future[Reply] | None = None  # the message that was taken last
        self._next_sent: asyncio.Future[Reply] | None = None

    async def messages(self, before: int) -> AsyncGenerator[Message]:
        """One after the other, each to be taken when the one before has arrived. `before` numbers the latest.

        What has been sent is given even if the round is let go: perhaps it has arrived.
        """
        coming = asyncio.ensure_future(self._write(before))
        try:
            following = True
            while following:
                message = await coming
                self._going_well, self._sent, self._next_sent = True, self._next_sent, None
                if following := not message.last and self.round.held:
                    coming = asyncio.ensure_future(self._write_and_send(message.sequence))
                yield message
                following &= self.round.held or self._next_sent is not None
        finally:
            await self._end(coming)

    async def arrived(self) -> bool:
        """Whether the message that was taken last has arrived because it was sent early."""
        if self._sent is None:
            return False
        try:
            return (await self._sent).status == PushStatus.OK
        except PushFailed:
            return False

    def stumbled(self) -> None:
        """The message that was taken last did not arrive yet: until it has, none is sent behind it.

        What changed is kept where it is; in the meantime more may have, so the rest of it is not sent now.
        """
        self._going_well = False
        if not self.round.whole:
            self.round.let_go()

    async def _write_and_send(self, before: int) -> Message:
        message = await self._write(before)
        if self._going_well:
            self._next_sent = asyncio.ensure_future(self._send(message.body))
        return message

    async def _end(self, coming: asyncio.Future[Message]) -> None:
        """Leave nothing behind: writing cannot be broken off, sending can."""
        self._going_well = False
        await asyncio.wait({coming})
        early = {sent for sent in (self._sent, self._next_sent) if sent is not None}
        for sent in early:
            sent.cancel()
        await asyncio.gather(*early, return_exceptions=True)
