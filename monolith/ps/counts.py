"""How often a server was asked, and how long it took. Counted once a call, never once an id."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

Clock = Callable[[], float]  # seconds; only differences mean anything


class Operation(StrEnum):
    """What is counted."""

    LOOKUP = "lookup"
    APPLY = "apply"


Watch = Callable[[Operation, int, float], None]  # operation, ids, seconds


@dataclass(slots=True)
class Count:
    """Calls of one kind, all that succeeded."""

    calls: int = 0
    seconds: float = 0.0

    @property
    def mean_us(self) -> int:
        """Mean time of a call in whole microseconds; 0 without calls."""
        return round(self.seconds * 1e6 / self.calls) if self.calls else 0


def _nobody(operation: Operation, ids: int, seconds: float) -> None:
    """Watch nothing."""


class Counts:
    """Counters of one server; `watch` hears of each call too. Safe from many threads."""

    def __init__(self, clock: Clock) -> None:
        self.watch: Watch = _nobody
        self._clock = clock
        self._lock = threading.Lock()
        self._counts = {operation: Count() for operation in Operation}

    @contextmanager
    def timed(self, operation: Operation, ids: int) -> Iterator[None]:
        """Count what happens inside as one call, unless it raises."""
        began = self._clock()
        yield
        seconds = self._clock() - began
        with self._lock:
            self._counts[operation].calls += 1
            self._counts[operation].seconds += seconds
        self.watch(operation, ids, seconds)

    def __getitem__(self, operation: Operation) -> Count:
        with self._lock:
            held = self._counts[operation]
            return Count(held.calls, held.seconds)
