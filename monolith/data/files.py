"""Which files a pattern means."""

from __future__ import annotations

import glob
from pathlib import Path

from monolith.core.errors import DataError, NoFilesMatched

_GLOB = frozenset("*?[")


def matching(pattern: str) -> list[Path]:
    """The files that `pattern` means, each once, sorted.

    `@list` reads a file with one path or glob a line; blank lines and lines that begin with # do not count.
    Anything else is paths and globs with commas between them. A path that is written out must exist: a
    misspelt file among many would otherwise be left out of the training without a word.

    Raises:
        DataError: a path that is written out, or the list, does not exist.
        NoFilesMatched: no file is meant.
    """
    found = {path for entry in _entries(pattern) for path in _expanded(entry, pattern)}
    if not found:
        raise NoFilesMatched(pattern)
    return sorted(found)


def _entries(pattern: str) -> list[str]:
    if not pattern.startswith("@"):
        return [entry for part in pattern.split(",") if (entry := part.strip())]
    path = Path(pattern[1:])
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise DataError(f"the list of files cannot be read ({exc})", path=path) from exc
    return [line for raw in lines if (line := raw.strip()) and not line.startswith("#")]


def _expanded(entry: str, pattern: str) -> list[Path]:
    if _GLOB & set(entry):
        return [path for name in glob.glob(entry, recursive=True) if (path := Path(name)).is_file()]  # noqa: PTH207
    path = Path(entry)
    if not path.is_file():
        raise DataError(f"there is no such file (in the pattern {pattern!r})", path=path)
    return [path]
