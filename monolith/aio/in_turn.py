"""Calls that begin one after another, though nobody stands between them and waits."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class InTurn:
    """Begins each call once the one before it has ended. After one that failed, none begins any more.

    A call begins on whichever thread ended the one before it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Callable[[], Future[Any]], Future[Any]]] = deque()
        self._busy = False  # a call is under way, or somebody is about to begin one
        self._failed: Future[Any] | None = None
        self._last: Future[Any] = answered(None)

    def then(self, begin: Callable[[], Future[T]]) -> Future[T]:
        """Begin a call in its turn; `.result()` waits for it, or raises what one before it failed with."""
        outcome: Future[T] = Future()
        with self._lock:
            self._waiting.append((begin, outcome))
            self._last = outcome
            idle, self._busy = not self._busy, True
        if idle:
            self._go_on()
        return outcome

    def wait(self) -> None:
        """Wait until all have ended. Raises what the first that failed did."""
        self._last.result()

    def _go_on(self) -> None:
        """Begin what waits, until a call is under way. A loop, so that as many may wait as like."""
        while (turn := self._next()) is not None:
            begin, outcome = turn
            call = self._failed or _begun(begin)
            if not call.done():
                call.add_done_callback(partial(self._ended, outcome))
                return
            self._settle(call, outcome)

    def _next(self) -> tuple[Callable[[], Future[Any]], Future[Any]] | None:
        with self._lock:
            self._busy = bool(self._waiting)
            return self._waiting.popleft() if self._waiting else None

    def _ended(self, outcome: Future[Any], call: Future[Any]) -> None:
        self._settle(call, outcome)
        self._go_on()

    def _settle(self, call: Future[Any], outcome: Future[Any]) -> None:
        """`outcome` is what `call`, which has ended, came to."""
        if call.cancelled():
            self._failed = call
            outcome.cancel()
        elif error := call.exception():
            self._failed = call
            outcome.set_exception(error)
        else:
            outcome.set_result(call.result())


def answered(value: T) -> Future[T]:
    """What a call gives that has nothing to wait for."""
    future: Future[T] = Future()
    future.set_result(value)
    return future


def _begun(begin: Callable[[], Future[T]]) -> Future[T]:
    try:
        return begin()
    except BaseException as error:  # who called us would only log it, and the outcome would never come
        refused: Future[T] = Future()
        refused.set_exception(error)
        return refused
