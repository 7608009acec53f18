"""A stream on which answers come late, in another order or never, and that breaks, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import grpc
import pytest

from monolith.core.errors import RemoteError, ShardUnavailable, TableNotFound
from monolith.ps.bundles import ASKED, bundled, frames_of
from monolith.ps.frames import NUMBER, applied_parts, refused_parts
from monolith.ps.limits import Limits
from monolith.ps.link import Link
from monolith.ps.stream import FIRST_PAUSE_S, Stream
from monolith.testing import virtual_time
from monolith.wire.status import to_status

T = TypeVar("T")
LIMITS = Limits(call_ms=10_000, attempts=3)
FINE = b"".join(applied_parts([]))
BROKE = grpc.StatusCode.UNAVAILABLE


class Wire:
    """What a stream of grpc does as far as `Stream` sees; a test answers, or breaks it."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.messages = 0
        self.takes_s = 0.0  # to write one
        self._said: asyncio.Queue[Any] = asyncio.Queue()

    async def write(self, message: bytes) -> None:
        self.sent += [int.from_bytes(frame[:NUMBER], "little") for frame in frames_of(message)]
        self.messages += 1
        await asyncio.sleep(self.takes_s)

    async def read(self) -> Any:
        said = await self._said.get()
        if isinstance(said, grpc.StatusCode):
            raise grpc.aio.AioRpcError(said, grpc.aio.Metadata(), grpc.aio.Metadata(), details="it broke")
        if isinstance(said, Exception):
            raise said
        return said

    def cancel(self) -> None:
        """Nothing is held."""

    def answer(self, *numbers: int, rest: bytes = FINE) -> None:
        for message in bundled([number.to_bytes(NUMBER, "little") + rest for number in numbers], 999):
            self._said.put_nowait(bytes(message))

    def end(self, how: Any) -> None:
        self._said.put_nowait(how)


class Wires(Link):
    """A link whose streams are wires; those that `refuse` end at once."""

    def __init__(self, refuse: int = 0) -> None:
        super().__init__("host:1", 5, LIMITS)
        self.opened: list[Wire] = []
        self._refuse = refuse

    def exchange(self) -> Any:
        self.opened.append(Wire())
        if len(self.opened) <= self._refuse:
            self.opened[-1].end(BROKE)
        return self.opened[-1]


class Played:
    """A stream, its wires, and frames that were asked on it: `asked[n]` waits for the answer to n."""

    bundles = False

    def __init__(self, frames: int, refuse: int = 0) -> None:
        self.link = Wires(refuse)
        self.stream = Stream(self.link, LIMITS, together=self.bundles * ASKED)
        self.asked: dict[int, asyncio.Future[Any]] = {}
        for number in range(1, frames + 1):
            self.ask(number)

    def ask(self, number: int) -> None:
        self.asked[number] = asyncio.ensure_future(self.stream.ask("BatchLookup", [b"x"], limit=99))

    async def __aenter__(self) -> Played:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stream.close()

    async def wire(self, index: int = 0) -> Wire:
        async with asyncio.timeout(60):
            while len(self.link.opened) <= index or not self.link.opened[index].sent:
                await asyncio.sleep(0.01)
        return self.link.opened[index]

    async def outcome(self, number: int) -> Any:
        """The answer without its number, or the error."""
        (answer,) = await asyncio.gather(self.asked[number], return_exceptions=True)
        return answer if isinstance(answer, BaseException) else bytes(answer[NUMBER:])


@pytest.fixture(params=[False, True], ids=["one_by_one", "in_bundles"], autouse=True)
def bundles(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the server takes several frames as one message: nobody who waits for an answer sees it."""
    monkeypatch.setattr(Played, "bundles", request.param)
    return bool(request.param)


def play(test: Coroutine[Any, Any, T]) -> T:
    return virtual_time.run(test)[0]


def test_answers_in_any_order() -> None:
    async def test() -> None:
        async with Played(3) as played:
            wire = await played.wire()
            for number in (3, 99, 1, 2, 2):  # one that nobody asked for, and one twice
                wire.answer(number, rest=FINE + bytes([number]))
            assert [(await played.outcome(n))[-1] for n in (1, 2, 3)] == [1, 2, 3]
            assert wire.sent == [1, 2, 3]

    play(test())


def test_what_waits_travels_together(bundles: bool) -> None:
    async def test() -> None:
        async with Played(6) as played:
            wire = await played.wire()
            assert wire.sent == [1, 2, 3, 4, 5, 6]
            assert wire.messages == (1 if bundles else 6)
            wire.answer(3, 1, 2)
            wire.answer(6, 5, 4)
            assert [await played.outcome(n) for n in range(1, 7)] == [FINE] * 6

    play(test())


def test_what_comes_while_others_are_sent_is_sent() -> None:
    async def test() -> None:
        async with Played(1) as played:
            wire = await played.wire()
            wire.takes_s = 1
            for number in (2, 3):
                played.ask(number)
                await asyncio.sleep(0.1)
            await asyncio.sleep(1)
            assert wire.sent == [1, 2, 3]
            wire.answer(1, 2, 3)
            assert [await played.outcome(n) for n in (1, 2, 3)] == [FINE] * 3

    play(test())


def test_each_is_given_up_in_its_own_time() -> None:
    async def test() -> list[float]:
        loop = asyncio.get_running_loop()
        async with Played(2) as played:
            await asyncio.sleep(4)
            played.ask(3)
            await asyncio.sleep(5)
            (await played.wire()).answer(2)  # and not the oldest
            given_up = []
            for number in (1, 3):
                assert isinstance(await played.outcome(number), ShardUnavailable)
                given_up.append(loop.time())
            return given_up

    assert play(test()) == [10.0, 14.0]


def test_silence_fails_what_it_concerns() -> None:
    async def test() -> None:
        async with Played(2) as played:
            (await played.wire()).answer(2)
            late = await played.outcome(1)
            assert isinstance(late, ShardUnavailable)
            assert str(late).startswith(
                "ps-5 at host:1 did not answer BatchLookup within 10.0 s (Deadline Exc"
            )
            assert await played.outcome(2) == FINE
            (await played.wire()).answer(1)  # too late, and harmless
            assert len(played.link.opened) == 1

    play(test())


@pytest.mark.parametrize("how", [BROKE, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL, grpc.aio.EOF])
def test_a_broken_stream_is_taken_up(how: Any) -> None:
    """What was answered is not sent again; what was not, is."""

    async def test() -> None:
        async with Played(3) as played:
            wire = await played.wire()
            wire.answer(2)
            wire.end(how)
            again = await played.wire(1)
            assert again.sent == [1, 3]
            again.answer(3)
            again.answer(1)
            assert [await played.outcome(n) for n in (1, 2, 3)] == [FINE] * 3

    play(test())


@pytest.mark.parametrize("refuse", [2, 3])
def test_attempts_are_counted(refuse: int) -> None:
    async def test() -> Any:
        async with Played(1, refuse) as played:
            if refuse < LIMITS.attempts:
                (await played.wire(refuse)).answer(1)
            outcome = await played.outcome(1)
            return outcome, len(played.link.opened)

    (outcome, opened), took = virtual_time.run(test())
    assert opened == 3
    assert took >= FIRST_PAUSE_S * (1 + 2)
    assert outcome == FINE if refuse < LIMITS.attempts else isinstance(outcome, ShardUnavailable)


def test_progress_is_no_attempt() -> None:
    """A stream that breaks again and again, but answers something each time, may go on."""

    async def test() -> None:
        async with Played(8) as played:
            for number in range(1, 9):
                wire = await played.wire(number - 1)
                wire.answer(number)
                wire.end(BROKE)
            assert [await played.outcome(n) for n in range(1, 9)] == [FINE] * 8

    play(test())


def test_a_refused_stream_is_told() -> None:
    async def test() -> None:
        async with Played(1) as played:
            (await played.wire()).end(grpc.StatusCode.UNIMPLEMENTED)
            told = await played.outcome(1)
            assert isinstance(told, RemoteError)
            assert str(told) == "ps-5 at host:1 refused BatchLookup with UNIMPLEMENTED: it broke"
            assert len(played.link.opened) == 1

    play(test())


def test_errors_concern_one_frame() -> None:
    async def test() -> None:
        async with Played(3) as played:
            wire = await played.wire()
            wire.answer(1, rest=b"".join(refused_parts(to_status(TableNotFound("x"))[1])))
            wire.answer(2, rest=b"?")  # which is for those to judge who asked
            wire.answer(3)
            assert isinstance(await played.outcome(1), TableNotFound)
            assert await played.outcome(2) == b"?"
            assert await played.outcome(3) == FINE

    play(test())


def test_who_is_cancelled_harms_nobody() -> None:
    async def test() -> None:
        async with Played(2) as played:
            wire = await played.wire()
            played.asked[1].cancel()
            wire.answer(1)
            wire.answer(2)
            assert await played.outcome(2) == FINE
            assert isinstance(await played.outcome(1), asyncio.CancelledError)
            assert len(played.link.opened) == 1

    play(test())


def test_too_large_a_frame_never_leaves() -> None:
    async def test() -> None:
        async with Played(1) as played:
            wire = await played.wire()
            with pytest.raises(RemoteError, match=r"RESOURCE_EXHAUSTED: Sent message .* \(100 vs. 99\)"):
                await played.stream.ask("BatchLookup", [bytes(92)], limit=99)
            wire.answer(1)
            assert await played.outcome(1) == FINE
            assert wire.sent == [1]

    play(test())


def test_closing_calls_off() -> None:
    async def test() -> None:
        async with Played(1) as played:
            await played.wire()
            await played.stream.close()
            assert "did not answer BatchLookup" in str(await played.outcome(1))
            with pytest.raises(ShardUnavailable, match=r"within 0.0 s \(the channel was closed\)"):
                await played.stream.ask("BatchLookup", [b"x"], limit=99)
            assert len(played.link.opened) == 1

    play(test())


def test_a_blunder_is_told_as_the_cause() -> None:
    async def test() -> None:
        async with Played(1) as played:
            (await played.wire()).end(ZeroDivisionError("in grpc"))
            told = await played.outcome(1)
            assert "(ZeroDivisionError('in grpc'))" in str(told)
            assert isinstance(told.__cause__, ZeroDivisionError)

    play(test())
