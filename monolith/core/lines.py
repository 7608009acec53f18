"""Files of lines that grow, whatever became of those who wrote before."""

from __future__ import annotations

import os
from pathlib import Path


def append_line(path: Path, line: bytes) -> None:
    """Append a line to `path`, which is made if it is not there. What a crash left of another is cut off.

    Raises:
        OSError: the system's own.
    """
    with path.open("ab") as file:
        if file.tell():
            os.truncate(path, _whole(path))
        file.write(line.rstrip(b"\n") + b"\n")


def _whole(path: Path) -> int:
    """Bytes up to the end of the last line that has one."""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        if file.read() == b"\n":
            return file.tell()
        file.seek(0)
        return file.read().rfind(b"\n") + 1
