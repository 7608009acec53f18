"""Memory for rows that grows without moving them.

An arena reserves as much address space as the machine has memory. Pages cost nothing until they are
touched, and are zero then. Where the system grants no such reservation (`ulimit -v`, strict overcommit)
the arena starts small and moves to twice its size when full: slower at that moment, otherwise alike.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

SMALL = 1 << 16
ON_SMALL_PAGES = 4 << 20  # where an arena begins: with huge pages only, a table of ten rows would take 4 MiB
# Python names the flag from 3.13 on; the number is Linux's on x86 and ARM.
_NORESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)
_POPULATE_WRITE = 23  # Linux 5.14 on; nor does Python name it
_madvise = ctypes.CDLL(None).madvise  # mmap's own keeps the interpreter lock meanwhile
_madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def machine_memory() -> int:
    """Bytes of memory in this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


class Arena:
    """`array` (capacity, width), zeros where never written, on pages and therefore 64-byte aligned."""

    def __init__(self, width: int, dtype: DTypeLike, reserve: int | None = None) -> None:
        self._row_bytes = width * np.dtype(dtype).itemsize
        self._width, self._dtype = width, np.dtype(dtype)
        wanted = machine_memory() if reserve is None else reserve
        try:
            self.array = self._map(max(wanted // self._row_bytes, 1))
        except OSError:
            self.array = self._map(max(SMALL // self._row_bytes, 1))

    def ensure(self, count: int) -> None:
        """Make room for `count` rows in all.

        Raises:
            MemoryError: the system has no more.
        """
        if count > len(self.array):
            try:
                larger = self._map(max(count, 2 * len(self.array)))
            except OSError as exc:
                raise MemoryError(f"no memory for {count} rows of {self._row_bytes} bytes") from exc
            larger[: len(self.array)] = self.array
            self.array = larger

    def fetch(self, start: int, stop: int) -> None:
        """Have the system find the pages of rows `start` to `stop` now, as far as there is room for them.

        What rows hold stays. Pages that are not fetched come as they are touched, and whoever touches them
        waits: most often for zeros, now and then for a tenth of a second, until two MiB in a row are found.
        Safe from many threads.
        """
        array = self.array  # which another thread may replace meanwhile
        first = start * self._row_bytes // mmap.PAGESIZE * mmap.PAGESIZE
        _advise(array, first, min(stop, len(array)) * self._row_bytes, _POPULATE_WRITE)  # or they come later

    def release(self, start: int, stop: int) -> None:
        """Give the pages of rows `start` to `stop` back; what rows hold then is what they held, or zeros."""
        page = mmap.PAGESIZE
        first = -(-start * self._row_bytes // page) * page
        _advise(self.array, first, stop * self._row_bytes // page * page, mmap.MADV_DONTNEED)

    def _map(self, rows: int) -> NDArray[Any]:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE
        memory = mmap.mmap(-1, rows * self._row_bytes, flags=flags)
        array = np.frombuffer(memory, self._dtype, rows * self._width).reshape(rows, self._width)
        _advise(array, ON_SMALL_PAGES, array.nbytes, mmap.MADV_HUGEPAGE)  # 1.7 x on 2e7 rows
        return array


def _advise(array: NDArray[Any], first: int, end: int, advice: int) -> None:
    """Ask the system something about bytes `first` to `end`; whoever may not do so is slower, not wrong."""
    if end > first:
        _madvise(array.ctypes.data + first, end - first, advice)
