"""Files that must outlive a crash: write, fsync, rename, fsync the folder.

The operating system is reached through a `Disk`, so that tests can make any single call fail. Errors are
the system's own `OSError`; each room tells them in its own words.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import google_crc32c
import numpy as np
from numpy.typing import NDArray

Octets: TypeAlias = bytes | NDArray[np.uint8]
CHUNK = 1 << 20  # bytes checksummed and written at a time: what the checksum read is still in cache
TEMPORARY = ".tmp"  # suffix of a file that has not got its name yet; what bears it after a crash is rubbish


class Disk:
    """The calls that change a file system, one method each. Every one may raise OSError."""

    def open(self, path: Path) -> int:
        """A descriptor of `path`, created or emptied, for writing."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)

    def write(self, descriptor: int, data: Octets) -> None:
        """Write all of `data`: the system may take less at a time."""
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]

    def sync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        source.replace(target)

    def remove(self, path: Path) -> None:
        path.unlink()

    def make_folder(self, path: Path) -> None:
        path.mkdir(exist_ok=True)

    def remove_folder(self, path: Path) -> None:
        path.rmdir()

    def sync_folder(self, path: Path) -> None:
        """Make the names in `path` durable: a file's own fsync does not."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


DISK = Disk()


@dataclass(frozen=True, slots=True)
class Written:
    """What went into a file."""

    size: int  # bytes
    crc32c: int


def write_file(path: Path, parts: Iterable[Octets], disk: Disk = DISK) -> Written:
    """Write `parts` into `path` and fsync it; its *name* is durable only once the folder is synced too."""
    size = crc = 0
    descriptor = disk.open(path)
    try:
        for part in parts:
            for chunk in chunks(part):
                crc = google_crc32c.extend(crc, chunk)
                disk.write(descriptor, chunk)
                size += len(chunk)
        disk.sync(descriptor)
    finally:
        disk.close(descriptor)
    return Written(size, crc)


def write_atomically(path: Path, content: bytes, disk: Disk = DISK) -> None:
    """Give `path` this content: whoever looks, and whenever the power fails, it is all old or all new."""
    temporary = path.with_name(path.name + TEMPORARY)
    write_file(temporary, [content], disk)
    disk.rename(temporary, path)
    disk.sync_folder(path.parent)


def make_folders(path: Path, disk: Disk = DISK) -> None:
    """Create `path` and what is missing above it, durably."""
    if path.is_dir():
        return
    make_folders(path.parent, disk)
    disk.make_folder(path)
    disk.sync_folder(path.parent)


def chunks(data: Octets) -> Iterable[Octets]:
    """`data` in pieces of at most CHUNK bytes, without a copy where it is an array."""
    return (data[start : start + CHUNK] for start in range(0, len(data), CHUNK))
