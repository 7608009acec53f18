"""How many calls a server is answering."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc


class Calls:
    """Counts a call from its beginning until its answer has left. Thread-safe."""

    def __init__(self) -> None:
        self._under_way = 0
        self._lock = threading.Lock()
        self._over = threading.Condition(self._lock)

    def begin(self, context: grpc.ServicerContext) -> None:
        """Count this call; `context` tells when it is over."""
        self._count(1)
        if not context.add_callback(lambda: self._count(-1)):  # it is over: its client has left
            self._count(-1)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a call that lasts as long as the block."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def wait_for_none(self, seconds: float) -> None:
        """Return once all are over, or that time is."""
        with self._lock:
            self._over.wait_for(lambda: not self._under_way, seconds)

    def _count(self, change: int) -> None:
        with self._lock:
            self._under_way += change
            if not self._under_way:
                self._over.notify_all()
