"""Calls that begin one after another, though nobody stands between them and waits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class InTurn:
    """Begins each call once the one before it has ended. After one that failed, none begins any more.

    To be used by one thread; a call begins on whichever thread ended the one before it.
    """

    def __init__(self) -> None:
        self._last: Future[Any] = answered(None)

    def then(self, begin: Callable[[], Future[T]]) -> Future[T]:
        """Begin a call in its turn; `.result()` waits for it, or raises what one before it failed with."""
        outcome: Future[T] = Future()

        def go(before: Future[Any]) -> None:
            if _went_well(before, outcome):
                _begun(begin).add_done_callback(lambda call: _end(call, outcome))

        self._last.add_done_callback(go)
        self._last = outcome
        return outcome

    def wait(self) -> None:
        """Wait until all have ended. Raises what the first that failed did."""
        self._last.result()


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


def _end(call: Future[T], outcome: Future[T]) -> None:
    if _went_well(call, outcome):
        outcome.set_result(call.result())


def _went_well(call: Future[Any], outcome: Future[Any]) -> bool:
    """Whether it did; if not, that is the outcome."""
    if call.cancelled():
        outcome.cancel()
    elif error := call.exception():
        outcome.set_exception(error)
    else:
        return True
    return False
