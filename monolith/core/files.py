"""Files that must outlive a crash: write, fsync, rename, fsync the folder.

The operating system is reached through a `Disk`, so that tests can make any single call fail. Errors are
the system's own `OSError`; each room tells them in its own words.
"""

from __future__ import annotations

import ctypes
import errno
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast

import google_crc32c
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from typing_extensions import Buffer

Octets: TypeAlias = NDArray[np.uint8]
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
CHUNK = 1 << 20  # bytes checksummed and written at a time: what the checksum read is still in cache


class Disk:
    """The calls that change a file system, one method each. Every one may raise OSError."""

    def open(self, path: Path) -> int:
        """A descriptor of `path`, created or emptied, for writing."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)

    def write(self, descriptor: int, data: Buffer) -> int:
        """How many bytes of `data` were taken: it may be fewer than there are."""
        return os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        source.replace(target)

    def exchange(self, one: Path, other: Path) -> None:
        """Each takes the other's name, at once. EINVAL, ENOSYS and the like: there is no such call here."""
        renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
        if renameat2 is None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(one))
        if renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE):
            raise OSError(code := ctypes.get_errno(), os.strerror(code), str(one))

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


@contextmanager
def replacing(path: Path, disk: Disk = DISK) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` when the block ends well, durably.

    Whoever looks, and whenever the power fails: `path` is all old or all new. If the block raises, `path` is
    as it was and the part that was written is removed.
    """
    part = part_of(path)
    try:
        with _synced(part, disk) as file:
            yield file
        disk.rename(part, path)
    except BaseException:
        with suppress(OSError):
            disk.remove(part)
        raise
    disk.sync_folder(path.parent)


def part_of(path: Path) -> Path:
    """Where what is to become `path` is written; one that is found after a crash is rubbish."""
    return path.with_name(f".{path.name}.part")


def write_file(path: Path, parts: Iterable[Octets], disk: Disk = DISK) -> Written:
    """Write `parts` into `path` and fsync it; its *name* is durable only once the folder is synced too."""
    size = crc = 0
    with _synced(path, disk) as file:
        for part in parts:
            for chunk in chunks(part):
                crc = google_crc32c.extend(crc, chunk)
                file.write(chunk.data)
                size += len(chunk)
    return Written(size, crc)


def write_atomically(path: Path, content: bytes, disk: Disk = DISK) -> None:
    """Replace `path` by `content`, as `replacing` does."""
    with replacing(path, disk) as file:
        file.write(content)


@contextmanager
def _synced(path: Path, disk: Disk) -> Iterator[BinaryIO]:
    """A new file, synced when the block ends well and closed in any case."""
    raw = _Raw(disk, disk.open(path))
    try:
        yield cast("BinaryIO", file := io.BufferedWriter(raw, CHUNK))
        file.flush()
        raw.sync()
    finally:
        raw.close()  # not `file`: that would try once more to write what just failed


class _Raw(io.RawIOBase):
    """What io's buffering asks of a descriptor, passed on to a `Disk`."""

    def __init__(self, disk: Disk, descriptor: int) -> None:
        self._disk = disk
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        return self._disk.write(self._descriptor, data)

    def sync(self) -> None:
        self._disk.sync(self._descriptor)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._disk.close(self._descriptor)


def make_folders(path: Path, disk: Disk = DISK) -> None:
    """Create `path` and what is missing above it, durably."""
    if path.is_dir():
        return
    make_folders(path.parent, disk)
    disk.make_folder(path)
    disk.sync_folder(path.parent)


def isabs(path: Path | str) -> bool:
    """Whether a path is absolute, on this machine or on HDFS."""
    return str(path).startswith("hdfs:/") or Path(path).is_absolute()


def chunks(data: Octets) -> Iterable[Octets]:
    """`data` in pieces of at most CHUNK bytes; each is a view."""
    return (data[start : start + CHUNK] for start in range(0, len(data), CHUNK))
