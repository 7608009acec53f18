"""A change that is sent twice is made once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from monolith.core.errors import PsError
from monolith.ps.api import Stamp

T = TypeVar("T")
WINDOW = 1024  # results kept per worker; far more than a client has in flight
WORKERS = 1024  # whose results are kept; beyond that the one longest silent is forgotten
PATIENCE_S = 60.0  # for the first of two equal requests, while the second waits for its result


class Once:
    """Remembers what was done for each stamp. Safe from many threads."""

    def __init__(self, *, window: int = WINDOW, workers: int = WORKERS) -> None:
        self._window = window
        self._workers = workers
        self._lock = threading.Lock()
        self._seen: OrderedDict[int, _Seen] = OrderedDict()

    def run(self, stamp: Stamp, work: Callable[[], T]) -> tuple[T, bool]:
        """Call `work` unless it was called for this stamp; its result, and whether that is an earlier one.

        A repetition that comes while the first is at work waits for it. If `work` raised, so does this,
        each time.

        Raises:
            PsError: the stamp is so old that it cannot be told whether it was seen, or the first request
                with it does not end.
        """
        result, mine = self._claim(stamp)
        if not mine:
            return _awaited(result, stamp), True
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)
            raise
        return result.result(), False

    def _claim(self, stamp: Stamp) -> tuple[Future[Any], bool]:
        with self._lock:
            seen = self._of(stamp.worker)
            key = (stamp.sequence, stamp.part)
            if key in seen.results:
                return seen.results[key], False
            if key <= seen.forgotten:
                raise PsError(
                    f"change {stamp.sequence} of worker {stamp.worker:#x} came after {self._window} "
                    "newer ones: it cannot be told whether it was made before"
                )
            result: Future[Any] = Future()
            seen.results[key] = result
            if len(seen.results) > self._window:
                seen.forgotten = max(seen.forgotten, seen.results.popitem(last=False)[0])
            return result, True

    def _of(self, worker: int) -> _Seen:
        seen = self._seen.setdefault(worker, _Seen())
        self._seen.move_to_end(worker)
        if len(self._seen) > self._workers:
            self._seen.popitem(last=False)
        return seen


def _awaited(result: Future[T], stamp: Stamp) -> T:
    wait([result], PATIENCE_S)
    if not result.done():
        named = f"change {stamp.sequence} of worker {stamp.worker:#x}"
        raise PsError(f"{named} came again while it was being made, for more than {PATIENCE_S:.0f} s")
    return result.result()


class _Seen:
    """One worker's changes: the latest with their results, and the newest of those forgotten."""

    def __init__(self) -> None:
        self.results: OrderedDict[tuple[int, int], Future[Any]] = OrderedDict()
        self.forgotten = (0, -1)
