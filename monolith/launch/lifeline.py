"""Notice that who started us is gone."""

from __future__ import annotations

import os
import threading

from monolith.core.stop import Stop


def hold(descriptor: int, stop: Stop) -> None:
    """Ask `stop` once `descriptor` reads to its end: the other end closes with the supervisor.

    It is read without a buffer: a thread that waits inside a buffered stream would disturb the
    interpreter's own end.
    """

    def watch() -> None:
        while os.read(descriptor, 1):
            pass
        stop.ask()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
