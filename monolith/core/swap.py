"""A folder takes the name of another, which changes places with it: the name stands for one of the two.

Where the system cannot exchange two names at once, it stands for neither for a moment.
"""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path

from monolith.core.files import Disk

_NO_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EXDEV)


class Unsettled(OSError):
    """Names were changed; that could neither be made durable nor be undone."""


def take_name(folder: Path, target: Path, disk: Disk) -> None:
    """Give `folder` the name `target`, durably; what has it now is at `folder` afterwards.

    Raises:
        OSError: it failed, and both are where they were.
        Unsettled: they have changed places, and will have changed back if the power fails.
    """
    move = _exchange if target.exists() else _rename
    move(folder, target, disk)
    try:
        disk.sync_folder(target.parent)
    except OSError as exc:
        try:
            move(target, folder, disk)
        except OSError:
            raise Unsettled(*exc.args) from exc
        raise


def aside(target: Path) -> Path:
    """Where `target` is for a moment if it cannot be exchanged at once; later, what a crash has left."""
    return target.with_name(f".{target.name}.old")


def _rename(source: Path, target: Path, disk: Disk) -> None:
    disk.rename(source, target)


def _exchange(folder: Path, target: Path, disk: Disk) -> None:
    try:
        disk.exchange(folder, target)
    except OSError as exc:
        if exc.errno not in _NO_EXCHANGE:
            raise
        _exchange_by_three(folder, target, disk)


def _exchange_by_three(folder: Path, target: Path, disk: Disk) -> None:
    done: list[tuple[Path, Path]] = []
    try:
        for old, new in ((target, aside(target)), (folder, target), (aside(target), folder)):
            disk.rename(old, new)
            done.append((old, new))
    except OSError:
        for old, new in reversed(done):
            with suppress(OSError):
                disk.rename(new, old)
        raise
