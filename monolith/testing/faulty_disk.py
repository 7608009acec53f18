"""Disks that fail at a chosen call, or that write down every call."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monolith.core.files import Disk

if TYPE_CHECKING:
    from typing_extensions import Buffer


class WatchedDisk(Disk):
    """A disk that tells `_about_to` of each call before it makes it.

    It does not really sync: a test that stays up loses nothing, and most of its time would go there.
    """

    def __init__(self) -> None:
        self._paths: dict[int, Path] = {}

    def open(self, path: Path) -> int:
        self._about_to(Call("open", path))
        descriptor = super().open(path)
        self._paths[descriptor] = path
        return descriptor

    def write(self, descriptor: int, data: Buffer) -> int:
        self._about_to(Call("write", self._paths[descriptor], data=bytes(data)))
        return super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self._about_to(Call("sync", self._paths[descriptor]))

    def close(self, descriptor: int) -> None:
        """A close that fails has closed all the same."""
        super().close(descriptor)
        self._about_to(Call("close", self._paths.pop(descriptor)))

    def rename(self, source: Path, target: Path) -> None:
        self._about_to(Call("rename", source, target))
        super().rename(source, target)

    def exchange(self, one: Path, other: Path) -> None:
        self._about_to(Call("exchange", one, other))
        super().exchange(one, other)

    def remove(self, path: Path) -> None:
        self._about_to(Call("remove", path))
        super().remove(path)

    def make_folder(self, path: Path) -> None:
        self._about_to(Call("make_folder", path))
        super().make_folder(path)

    def remove_folder(self, path: Path) -> None:
        self._about_to(Call("remove_folder", path))
        super().remove_folder(path)

    def sync_folder(self, path: Path) -> None:
        self._about_to(Call("sync_folder", path))

    def _about_to(self, call: Call) -> None:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Call:
    """One call to a disk."""

    name: str
    path: Path
    target: Path | None = None  # of a rename or an exchange
    data: bytes = b""  # of a write


class RecordingDisk(WatchedDisk):
    """Writes down every call in `calls`."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    def _about_to(self, call: Call) -> None:
        self.calls.append(call)


class FaultyDisk(WatchedDisk):
    """Fails call number `fail_at`, counted from 0, and with `for_good` all after it; `count` calls came."""

    def __init__(self, fail_at: int, error: int = errno.EIO, *, for_good: bool = False) -> None:
        super().__init__()
        self.count = 0
        self._fail_at = fail_at
        self._error = error
        self._for_good = for_good

    def _about_to(self, call: Call) -> None:
        at, self.count = self.count, self.count + 1
        if at == self._fail_at or (self._for_good and at > self._fail_at):
            raise OSError(self._error, os.strerror(self._error), str(call.path))
