"""A bounded queue between threads, which can be closed from either end."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

from monolith.core.errors import ConfigError, QueueClosed

T = TypeVar("T")


class FifoQueue(Generic[T]):
    """At most `capacity` items, first in, first out. A wait ends when the queue is closed.

    Raises:
        ConfigError: `capacity` is not 1 or more.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ConfigError([f"capacity={capacity}: must be >= 1"])
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed: BaseException | None = None

    def enqueue(self, item: T) -> None:
        """Add `item`, once there is room.

        Raises:
            QueueClosed: nobody takes any more.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._capacity)
            if self._closed:
                raise QueueClosed
            self._items.append(item)
            self._changed.notify_all()

    def dequeue(self) -> T:
        """Take the oldest item, once there is one.

        Raises:
            QueueClosed: it is closed and empty; or what `close` was told.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._items)
            return self._take()

    def try_dequeue(self) -> T | None:
        """The oldest item; None if there is none now. Raises as `dequeue`."""
        with self._changed:
            return self._take() if self._closed or self._items else None

    def close(self, why: BaseException | None = None, *, drop: bool = False) -> None:
        """Let nothing in any more; what is there can still be taken, unless it is to `drop`.

        Whoever takes beyond that gets `why`. The first reason stays the reason.
        """
        with self._changed:
            self._closed = self._closed or why or QueueClosed()
            if drop:
                self._items.clear()
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._items)

    def _take(self) -> T:
        if not self._items and self._closed:
            raise self._closed
        self._changed.notify_all()
        return self._items.popleft()
