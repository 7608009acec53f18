"""A request to stop soon, cleanly: asked once from anywhere, looked at between steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

SAVE_GRACE_S = 120.0  # for a training that was asked to stop: it saves first


class Stop:
    """A latch. `ask` is safe from a signal handler, whatever that interrupts; listeners are called once.

    No threading.Event: its `set` waits for ever for the `wait` that it interrupts, in the same thread.
    """

    def __init__(self) -> None:
        self._asked = False
        self._listeners: deque[Callable[[], None]] = deque()
        self._wake: SimpleQueue[None] = SimpleQueue()  # made for a `put` in the middle of its `get`

    def ask(self) -> None:
        self._asked = True
        self._wake.put(None)
        self._tell()

    @property
    def asked(self) -> bool:
        return self._asked

    def wait(self, seconds: float) -> bool:
        """Sleep up to `seconds`; True as soon as someone asked."""
        with suppress(Empty):
            self._wake.get(timeout=max(0.0, seconds))
            self._wake.put(None)  # for whoever else waits
        return self._asked

    def listen(self, call: Callable[[], None]) -> None:
        self._listeners.append(call)
        if self._asked:
            self._tell()

    def _tell(self) -> None:
        while (call := self._next()) is not None:
            call()

    def _next(self) -> Callable[[], None] | None:
        """Who is to be told now, by whoever asks first."""
        try:
            return self._listeners.popleft()
        except IndexError:
            return None
