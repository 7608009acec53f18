"""A pool of threads that nobody waits for when the program ends.

Unlike those of `concurrent.futures`, which are joined on the way out: a client that keeps its stream open
would hold a server that was asked to stop.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class DaemonPool:
    """Threads made as they are needed, `most` of them, and kept for what comes next. Thread-safe."""

    def __init__(self, most: int, name: str) -> None:
        self.made = 0
        self._most = most
        self._name = name
        self._idle = 0
        self._closed = False
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._left = threading.Condition(self._lock)

    def submit(self, call: Callable[[], None]) -> bool:
        """Run `call`, which raises nothing, at once; False if all threads are busy, or the pool is closed."""
        with self._lock:
            if self._closed or not (self._idle or self.made < self._most):
                return False
            if self._idle:
                self._idle -= 1
            else:
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
                self.made += 1
        self._calls.put(call)
        return True

    def join(self, seconds: float) -> None:
        """Take no further calls; return once all threads have ended, or that time is over."""
        with self._lock:
            self._closed = True
            for _ in range(self._idle):
                self._calls.put(None)
            self._idle = 0
            self._left.wait_for(lambda: not self.made, seconds)

    def _work(self) -> None:
        try:
            while call := self._calls.get():
                call()
                del call  # and what it holds, before the next comes
                if not self._rests():
                    return
        finally:
            with self._lock:
                self.made -= 1
                self._left.notify_all()

    def _rests(self) -> bool:
        with self._lock:
            self._idle += not self._closed
            return not self._closed
