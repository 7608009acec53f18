"""Compiled kernels are kept on disk, beside their source or in NUMBA_CACHE_DIR, until their room changes.

numba takes a kernel's copy for fresh as long as the kernel's own file is as it was. But kernels are compiled
together with subroutines from other files, and a copy that calls an old one reads memory in the old layout.
So the stamp of a copy is of all files of the kernel's room: `monolith/table`, say, with its folders.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any, TypeAlias

Stamp: TypeAlias = tuple[tuple[str, int, int], ...]  # path, time of change in ns, bytes


def keep(compiled: Any) -> bool:
    """Keep what numba compiles of `compiled` on disk; False where there is nowhere to write to."""
    try:
        compiled.enable_caching()
    except RuntimeError:
        return False
    file = compiled._cache._cache_file  # noqa: SLF001 - numba has no public way to say this
    file._source_stamp = stamp(_room(compiled.__wrapped__.__module__))  # noqa: SLF001 - as above
    return True


def _room(module: str) -> Path:
    """The folder of the room that `module` is in; of any other code, the folder of the module."""
    *above, _ = module.split(".")
    package = sys.modules.get(".".join(above[:2])) or sys.modules[module]
    return Path(str(package.__file__)).parent


@functools.cache
def stamp(room: Path) -> Stamp:
    """What changes as soon as a file of the room does."""
    told = ((str(file), file.stat()) for file in sorted(room.rglob("*.py")))
    return tuple((path, about.st_mtime_ns, about.st_size) for path, about in told)
