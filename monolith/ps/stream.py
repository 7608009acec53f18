"""The asking side of a stream that carries frames: many on their way at a time, answers in any order.

Whoever asks waits for the answer with the number of its frame, and for no other. A stream that breaks is
opened again, and what was not answered is sent again: a change carries its stamp, and is made once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import grpc

from monolith.ps.bundles import bundled, frames_of
from monolith.ps.frames import NUMBER, refusal_of
from monolith.ps.limits import Limits
from monolith.ps.link import BROKEN, Exchange, Link
from monolith.wire.framing import Buffer

CLOSED = "the channel was closed"
FIRST_PAUSE_S, LAST_PAUSE_S = 0.1, 1.0  # before a stream is opened again; doubled each time


@dataclass(slots=True)
class _Asked:
    """A frame that waits for its answer."""

    method: str
    frame: bytes
    began: float
    answer: asyncio.Future[Buffer]
    attempts: int = 0


class Stream:
    """Opened by the first frame in the event loop of that call, and again by the first after it broke.

    Args:
        link: the channel.
        limits: deadlines and attempts.
        together: bytes of frames that may travel as one message; 0: the server takes each alone.
    """

    def __init__(self, link: Link, limits: Limits, *, together: int) -> None:
        self._link = link
        self._limits = limits
        self._patience_s = limits.call_ms / 1000
        self._together = together
        self._numbers = count(1)
        self._asked: dict[int, _Asked] = {}
        self._queue: deque[int] = deque()
        self._queued = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None  # when the answer to the oldest frame is overdue
        self._closed = False

    async def ask(self, method: str, parts: Sequence[Buffer], *, limit: int) -> Buffer:
        """Send a frame of at most `limit` bytes and wait for its answer; `parts` go after its number.

        `method` is what an error calls it.

        Raises:
            ShardUnavailable: no answer in time, or nobody answers there, or this end has closed.
            RemoteError: the frame is too large, or the server refuses it.
            MonolithError: what the server raised.
        """
        if self._closed:
            raise self._link.told(method, grpc.StatusCode.CANCELLED, CLOSED)
        number = next(self._numbers)
        frame = b"".join((number.to_bytes(NUMBER, "little"), *parts))
        if len(frame) > limit:
            text = f"Sent message larger than max ({len(frame)} vs. {limit})"
            raise self._link.told(method, grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        loop = asyncio.get_running_loop()
        asked = self._asked[number] = _Asked(method, frame, loop.time(), loop.create_future())
        if self._alarm is None:
            self._alarm = loop.call_at(asked.began + self._patience_s, self._expire)
        self._post(number)
        try:
            answer = await asked.answer
        finally:
            del self._asked[number]
        if (details := refusal_of(answer)) is not None:
            raise self._link.refused(method, details)
        return answer

    async def close(self) -> None:
        """Call off what is under way, and take nothing more."""
        self._closed = True
        if self._alarm:
            self._alarm.cancel()
        if self._pump:
            self._pump.cancel()
            await asyncio.wait([self._pump])

    def _post(self, number: int) -> None:
        self._queue.append(number)
        self._queued.set()
        if self._pump is None or self._pump.done():
            self._pump = asyncio.ensure_future(self._run())

    def _expire(self) -> None:
        """Fail what is overdue. One alarm serves all frames: all have as long, and the oldest come first."""
        self._alarm, loop = None, asyncio.get_running_loop()
        for asked in self._asked.values():
            due = asked.began + self._patience_s
            if due > loop.time():
                self._alarm = loop.call_at(due, self._expire)
                return
            self._fail(asked, grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")

    def _fail(
        self, asked: _Asked, code: grpc.StatusCode, details: str, cause: Exception | None = None
    ) -> None:
        if not asked.answer.done():
            waited = asyncio.get_running_loop().time() - asked.began
            error = self._link.told(asked.method, code, details, waited)
            error.__cause__ = cause
            asked.answer.set_exception(error)

    async def _run(self) -> None:
        """Carry frames, and leave nobody waiting whatever ends that."""
        why, cause = CLOSED, None
        try:
            await self._keep_open()
        except Exception as error:  # which only those who wait can tell
            why, cause = repr(error), error
        finally:
            for asked in self._asked.values():
                self._fail(asked, grpc.StatusCode.CANCELLED, why, cause)

    async def _keep_open(self) -> None:
        """Keep a stream open as long as it works or somebody waits for an answer."""
        pause = FIRST_PAUSE_S
        while True:
            answered, code, details = await self._carry()
            if not self._settle(code, details, answered=answered):
                return
            pause = FIRST_PAUSE_S if answered else pause
            await asyncio.sleep(pause)
            pause = min(2 * pause, LAST_PAUSE_S)
            self._queue = deque(self._asked)
            self._queued.set()

    def _settle(self, code: grpc.StatusCode, details: str, *, answered: bool) -> bool:
        """After a stream has ended: whether somebody waits for an answer, and may still get it.

        One that `answered` anything did reach the server, so that it was no attempt to reach it.
        """
        for asked in self._asked.values():
            asked.attempts += not answered
            if code not in BROKEN or asked.attempts >= self._limits.attempts:
                self._fail(asked, code, details)
        return any(not asked.answer.done() for asked in self._asked.values())

    async def _carry(self) -> tuple[bool, grpc.StatusCode, str]:
        """Open a stream and use it to its end: whether anything was answered, and why it ended."""
        call = self._link.exchange()
        sender = asyncio.ensure_future(self._send(call))
        answered = False
        try:
            while (message := await call.read()) is not grpc.aio.EOF:
                answered = True
                self._take(message)
                del message  # whose memory is needed for the next, once who asked has done with it
        except grpc.aio.AioRpcError as error:
            code = error.code()
            # What grpc says of a stream that breaks while a frame is being sent, whatever broke it.
            broken = grpc.StatusCode.UNAVAILABLE if code is grpc.StatusCode.INTERNAL else code
            return answered, broken, error.details() or ""
        else:
            return answered, grpc.StatusCode.UNAVAILABLE, "the server ended the stream"
        finally:
            sender.cancel()
            await asyncio.wait([sender])
            call.cancel()

    async def _send(self, call: Exchange) -> None:
        """A task of its own: grpc ends the stream of a caller who is cancelled while it sends."""
        try:
            while True:
                await self._queued.wait()
                while self._queue:
                    for message in bundled(self._due(), self._together):
                        await call.write(message)  # and more may come meanwhile
                self._queued.clear()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return  # whoever reads learns why

    def _due(self) -> Iterator[bytes]:
        """The frames that are queued."""
        while self._queue:
            asked = self._asked.get(self._queue.popleft())
            if asked and not asked.answer.done():
                yield asked.frame

    def _take(self, message: bytes) -> None:
        for frame in frames_of(message):
            asked = self._asked.get(int.from_bytes(frame[:NUMBER], "little"))
            if asked and not asked.answer.done():
                asked.answer.set_result(frame)
