"""One stream of frames, from when it is opened until it breaks, among those who wait for answers on it.

There is no task behind it: each writes its own frame, and one of those who wait reads for all of them, until
its own answer has come. A task in between would cost each frame two turns of the event loop, a tenth of the
time that a thousand rows take.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, NamedTuple, TypeVar

import grpc

from monolith.ps.frames import NUMBER
from monolith.ps.link import BROKEN, Exchange

T = TypeVar("T")


class End(NamedTuple):
    """How a stream ended. `final`: another one would end alike."""

    code: grpc.StatusCode
    details: str
    final: bool = False
    cause: Exception | None = None


CLOSED = End(grpc.StatusCode.CANCELLED, "the channel was closed", final=True)
LEFT = End(grpc.StatusCode.CANCELLED, "another caller left")
OVER = End(grpc.StatusCode.UNAVAILABLE, "the server ended the stream")


class Broken(Exception):
    """The stream has ended, and an answer can no longer come."""

    def __init__(self, end: End) -> None:
        super().__init__(end.details)
        self.end = end


class Line:
    """Carries frames on `call`. Whoever leaves before its answer ends it for all, who then ask on another."""

    def __init__(self, call: Exchange) -> None:
        self.ended: End | None = None
        self.useful = False  # something was answered, or it is not the server's fault that nothing was
        self._call = call
        self._writing = asyncio.Lock()
        self._reading = False
        self._answers: dict[int, bytes | None] = {}  # of all who ask
        self._asleep: dict[int, asyncio.Future[None]] = {}  # until there is an answer, or nobody reads

    async def ask(self, number: int, frame: bytes) -> bytes:
        """Send the frame, which begins with `number`, and wait for its answer.

        Raises:
            Broken: the stream has ended.
        """
        self._answers[number] = None
        try:
            async with self._writing:
                await self._carried(self._call.write(frame))
            while (answer := self._answers[number]) is None:
                self._must_last()
                await (self._sleep(number) if self._reading else self._read())
            return answer
        finally:
            if self._answers.pop(number) is None:
                self.end(LEFT)
            self._wake_one()

    def end(self, how: End) -> None:
        """End it, unless it has ended. Who waits learns how."""
        if self.ended is None:
            self.ended = how
            self.useful |= how is LEFT
            self._call.cancel()
            for sleeper in self._asleep.values():
                _wake(sleeper)

    async def _sleep(self, number: int) -> None:
        sleeper = self._asleep[number] = asyncio.get_running_loop().create_future()
        try:
            await sleeper
        finally:
            del self._asleep[number]

    async def _read(self) -> None:
        self._reading = True
        try:
            frame: Any = await self._carried(self._call.read())
        finally:
            self._reading = False
        if isinstance(frame, bytes):
            self._take(frame)
        else:
            self.end(OVER)

    def _take(self, frame: bytes) -> None:
        self.useful = True
        number = int.from_bytes(frame[:NUMBER], "little")
        if number in self._answers:
            self._answers[number] = frame
        if number in self._asleep:
            _wake(self._asleep[number])

    def _wake_one(self) -> None:
        """Have another one read, if nobody does."""
        if not self._reading and self._asleep:
            _wake(next(iter(self._asleep.values())))

    def _must_last(self) -> None:
        if self.ended:
            raise Broken(self.ended) from self.ended.cause

    async def _carried(self, step: Awaitable[T]) -> T | None:
        """What grpc's stream gives. Where that fails, it has ended."""
        try:
            return await step
        except asyncio.InvalidStateError:
            return None  # nothing can be written any more: whoever reads learns why
        except grpc.aio.AioRpcError as error:
            how = _end_of(error)
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            how = CLOSED  # grpc says so of a stream that this end has called off
        except Exception as error:  # which only those who wait can tell
            how = End(grpc.StatusCode.CANCELLED, repr(error), final=True, cause=error)
        self.end(how)
        raise Broken(self.ended or how) from how.cause


def _is_cancelled() -> bool:
    """Whether somebody wants the running task to end."""
    task = asyncio.current_task()
    return bool(task and task.cancelling())


def _end_of(error: grpc.aio.AioRpcError) -> End:
    code = error.code()
    # What grpc says of a stream that breaks while a frame is being sent, whatever broke it.
    broken = grpc.StatusCode.UNAVAILABLE if code is grpc.StatusCode.INTERNAL else code
    return End(broken, error.details() or "", final=broken not in BROKEN)


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
