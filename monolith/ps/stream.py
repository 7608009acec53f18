"""The asking side of a stream that carries frames: many on their way at a time, answers in any order.

A stream that breaks is opened again by those who wait for answers, and each sends its frame again: a change
carries its stamp, and is made once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count

import grpc

from monolith.ps.frames import NUMBER, refusal_of
from monolith.ps.limits import Limits
from monolith.ps.line import CLOSED, LEFT, Broken, End, Line
from monolith.ps.link import Link
from monolith.wire.framing import Buffer

FIRST_PAUSE_S, LAST_PAUSE_S = 0.1, 1.0  # before a stream is opened again; doubled each time
LATE = End(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")


class Stream:
    """Opened by the first frame in the event loop of that call, and again by the first after it broke.

    Args:
        link: the channel.
        limits: deadlines and attempts.
    """

    def __init__(self, link: Link, limits: Limits) -> None:
        self._link = link
        self._limits = limits
        self._numbers = count(1)
        self._line: Line | None = None
        self._closed = False

    async def ask(self, method: str, parts: Sequence[Buffer], *, limit: int) -> bytes:
        """Send a frame of at most `limit` bytes and wait for its answer; `parts` go after its number.

        `method` is what an error calls it.

        Raises:
            ShardUnavailable: no answer in time, or nobody answers there, or this end has closed.
            RemoteError: the frame is too large, or the server refuses it.
            MonolithError: what the server raised.
        """
        number = next(self._numbers)
        frame = b"".join((number.to_bytes(NUMBER, "little"), *parts))
        if len(frame) > limit:
            text = f"Sent message larger than max ({len(frame)} vs. {limit})"
            raise self._link.told(method, grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        answer = await self._in_time(method, number, frame)
        if (details := refusal_of(answer)) is not None:
            raise self._link.refused(method, details)
        return answer

    async def close(self) -> None:
        """Call off what is under way, and take nothing more."""
        self._closed = True
        if self._line:
            self._line.end(CLOSED)

    async def _in_time(self, method: str, number: int, frame: bytes) -> bytes:
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._limits.call_ms / 1000):
                return await self._answer(number, frame)
        except TimeoutError:
            end = LATE
        except Broken as broken:
            end = broken.end
        waited = asyncio.get_running_loop().time() - began
        raise self._link.told(method, end.code, end.details, waited) from end.cause

    async def _answer(self, number: int, frame: bytes) -> bytes:
        """Ask until a stream lasts for as long as the answer takes."""
        attempts, pause = 0, FIRST_PAUSE_S
        while True:
            line = self._open()
            try:
                return await line.ask(number, frame)
            except Broken as broken:
                attempts += not line.useful
                if broken.end.final or attempts >= self._limits.attempts:
                    raise
                pause = FIRST_PAUSE_S if line.useful else pause
                if broken.end is LEFT:
                    continue  # nothing is wrong
            await asyncio.sleep(pause)
            pause = min(2 * pause, LAST_PAUSE_S)

    def _open(self) -> Line:
        if self._closed:
            raise Broken(CLOSED)
        if self._line is None or self._line.ended:
            self._line = Line(self._link.exchange())
        return self._line
