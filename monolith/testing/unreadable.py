"""A file that the system cannot read for a while, whoever asks: root reads what nobody may."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch


@contextmanager
def unreadable(path: Path, error: int) -> Iterator[None]:
    """While inside, whoever opens `path` gets an OSError of the number `error`, once there is such a file."""
    with ExitStack() as patches:
        for name in ("open", "read_bytes"):
            patches.enter_context(patch.object(Path, name, _but_not(path, error, getattr(Path, name))))
        yield


def _but_not(path: Path, error: int, really: Callable[..., Any]) -> Callable[..., Any]:
    def opened(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == path and path.exists():
            raise OSError(error, os.strerror(error), str(path))
        return really(self, *args, **kwargs)

    return opened
