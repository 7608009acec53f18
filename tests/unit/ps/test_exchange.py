"""A stream's threads: who answers, in which order, and how it ends."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from monolith.ps.bundles import ANSWERED, bundled, frames_of
from monolith.ps.calls import Calls
from monolith.ps.exchange import LARGE, UNDER_WAY, Exchange
from monolith.wire.framing import Buffer

WAIT_S = 30
SMALL = b"s"
POISON = b"p"
MUCH = b"m" * 8
RESOURCE_EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


class Service:
    """Echoes; a large frame only when it may, one frame with much, and one not at all."""

    limit = 7

    def __init__(self) -> None:
        self.may = threading.Event()
        self.at_work = threading.Semaphore(0)

    def answers(self, message: bytes, _stopped: Any) -> Iterator[Buffer]:
        return bundled(map(self._answer, frames_of(message)), ANSWERED)

    def _answer(self, frame: Buffer) -> Buffer:
        self.at_work.release()
        if frame == POISON:
            raise MemoryError
        if len(frame) >= LARGE:
            assert self.may.wait(WAIT_S)
        return bytes(ANSWERED) if frame == MUCH else frame


class Client:
    """The other end of a stream, as grpc's server shows it; `None` ends it, an error breaks it."""

    def __init__(self, exchange: Exchange) -> None:
        self._frames: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.aborted: Any = None
        self.cancelled = threading.Event()
        behaviour: Any = exchange.handler().stream_stream
        behaviour(self._read(), self, self.answers.put)

    def cancel(self) -> None:
        self.ask(grpc.RpcError())
        self.cancelled.set()

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        self.aborted = code, details

    def add_callback(self, _over: Any) -> bool:
        return True

    def ask(self, *frames: Any) -> None:
        for frame in frames:
            self._frames.put(frame)

    def next(self) -> bytes | None:
        return self.answers.get(timeout=WAIT_S)

    def _read(self) -> Iterator[bytes]:
        while (frame := self._frames.get(timeout=WAIT_S)) is not None:
            if isinstance(frame, Exception):
                raise frame
            yield frame


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def exchange(service: Service, calls: Calls) -> Iterator[Exchange]:
    exchange = Exchange(service, calls)  # type: ignore[arg-type]
    yield exchange
    service.may.set()
    exchange.join(WAIT_S)


def large(number: int) -> bytes:
    return bytes([1 + number]) * LARGE


def test_small_frames_keep_their_order(exchange: Exchange) -> None:
    client = Client(exchange)
    client.ask(*(bytes([n]) for n in range(99)), None)
    assert [client.next() for _ in range(100)] == [*(bytes([n]) for n in range(99)), None]


def test_what_came_together_is_answered_together(exchange: Exchange) -> None:
    client = Client(exchange)
    (bundle,) = bundled([b"a" * 9, b"b" * 16], 99)
    client.ask(bundle, b"c", None)
    assert [client.next() for _ in range(3)] == [bundle, b"c", None]


def test_a_large_answer_does_not_wait_for_the_next(exchange: Exchange, service: Service) -> None:
    client = Client(exchange)
    (bundle,) = bundled([MUCH, large(1)], 2 * LARGE)
    client.ask(bundle)
    assert client.next() == bytes(ANSWERED)
    service.may.set()
    assert client.next() == large(1)
    client.ask(None)


def test_a_large_frame_stops_nobody(exchange: Exchange, service: Service) -> None:
    client = Client(exchange)
    client.ask(large(1), SMALL)
    assert client.next() == SMALL
    service.may.set()
    assert client.next() == large(1)
    client.ask(None)
    assert client.next() is None


def test_frames_under_way_are_bounded(exchange: Exchange, service: Service) -> None:
    client = Client(exchange)
    client.ask(*(large(n) for n in range(UNDER_WAY + 3)))
    for _ in range(UNDER_WAY):
        assert service.at_work.acquire(timeout=WAIT_S)
    assert exchange._threads.made == UNDER_WAY  # all at work: nobody waits for the next
    service.may.set()
    assert {client.next() for _ in range(UNDER_WAY + 3)} == {large(n) for n in range(UNDER_WAY + 3)}
    client.ask(None)


def test_closing_answers_what_is_under_way(exchange: Exchange, service: Service, calls: Calls) -> None:
    client = Client(exchange)
    client.ask(large(1))
    assert service.at_work.acquire(timeout=WAIT_S)
    exchange.close()
    client.ask(SMALL)  # comes too late
    calls.wait_for_none(0)
    assert client.answers.empty()
    service.may.set()
    assert [client.next(), client.next()] == [large(1), None]
    calls.wait_for_none(WAIT_S)
    assert not service.at_work.acquire(timeout=0)


def test_closing_ends_an_idle_stream(exchange: Exchange) -> None:
    client = Client(exchange)
    exchange.close()
    assert client.next() is None
    late = Client(exchange)
    assert late.next() is None
    client.ask(None)


def test_a_client_that_leaves_is_nothing(exchange: Exchange, calls: Calls) -> None:
    client = Client(exchange)
    client.ask(SMALL, grpc.RpcError())
    assert [client.next(), client.next()] == [SMALL, None]
    calls.wait_for_none(WAIT_S)


@pytest.mark.parametrize("ahead", [[], [bytes(LARGE)]], ids=["alone", "among_others"])
def test_who_cannot_be_answered_is_not_left(
    exchange: Exchange, calls: Calls, service: Service, ahead: list[bytes]
) -> None:
    """Its stream is broken off, which has it sent again; nothing counts as under way for ever."""
    client = Client(exchange)
    client.ask(*ahead, POISON)
    assert client.cancelled.wait(WAIT_S)
    service.may.set()
    calls.wait_for_none(WAIT_S)
    exchange.join(WAIT_S)
    assert not exchange._threads.made


def test_a_stream_too_many_is_refused(service: Service, calls: Calls) -> None:
    """And where no thread is left to wait for the next frame, whoever waits answers by itself."""
    exchange = Exchange(service, calls, threads=1)  # type: ignore[arg-type]
    first, second = Client(exchange), Client(exchange)
    assert second.aborted == (RESOURCE_EXHAUSTED, "this server has no thread for another stream")
    service.may.set()
    first.ask(large(1), SMALL, None)
    assert [first.next() for _ in range(3)] == [large(1), SMALL, None]
    exchange.join(WAIT_S)
