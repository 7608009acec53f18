"""A request to stop soon, cleanly: asked once from anywhere, looked at between steps."""

from __future__ import annotations

import threading
from collections.abc import Callable

SAVE_GRACE_S = 120.0  # for a training that was asked to stop: it saves first


class Stop:
    """A latch. `ask` is safe from a signal handler; listeners are called at once, at most once."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._listeners: list[Callable[[], None]] = []

    def ask(self) -> None:
        if self._asked.is_set():
            return
        self._asked.set()
        for call in self._listeners:
            call()

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep up to `seconds`; True as soon as someone asked."""
        return self._asked.wait(seconds)

    def listen(self, call: Callable[[], None]) -> None:
        self._listeners.append(call)
        if self.asked:
            call()
