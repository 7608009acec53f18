"""Notice that who started us is gone."""

from __future__ import annotations

import threading
from typing import BinaryIO

from monolith.core.stop import Stop


def hold(line: BinaryIO, stop: Stop) -> None:
    """Ask `stop` once `line` ends: its other end closes with the supervisor, however that came to its end."""

    def watch() -> None:
        while line.read(1):
            pass
        stop.ask()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
