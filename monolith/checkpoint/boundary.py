"""Where the operating system's errors become ours."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monolith.core.errors import (
    CheckpointError,
    CheckpointInaccessible,
    CheckpointIncomplete,
    CheckpointUnreadable,
)

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def saving(folder: Path) -> Iterator[None]:
    """Tell an OSError of a save.

    Raises:
        CheckpointError: the save failed; checkpoints committed before are as they were.
    """
    try:
        yield
    except OSError as exc:
        if isinstance(exc, (FileExistsError, NotADirectoryError)) and Path(exc.filename or "").is_file():
            said = "is a file, not a folder; choose another folder"
            raise CheckpointError(said, path=exc.filename) from exc
        raise CheckpointError(f"{_why(exc)}; what was stored before is unharmed", path=folder) from exc


@contextmanager
def loading(path: Path) -> Iterator[None]:
    """Tell an OSError of a read.

    Raises:
        CheckpointIncomplete: `path` is not there.
        CheckpointUnreadable: it is a folder.
        CheckpointInaccessible: the system cannot read it now, which says nothing about what is in it.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise CheckpointIncomplete("the file is missing", path=path) from exc
    except IsADirectoryError as exc:
        raise CheckpointUnreadable("is a folder, not a file", path=path) from exc
    except OSError as exc:
        raise CheckpointInaccessible(f"cannot be read: {exc.strerror or exc}", path=path) from exc


def _why(exc: OSError) -> str:
    if exc.errno in _FULL:
        return "no space left: free some, or choose another folder"
    return f"cannot save: {exc.strerror or exc}" + (f" ({exc.filename})" if exc.filename else "")
