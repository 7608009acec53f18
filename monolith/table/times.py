"""When each row was last updated: 4 bytes a row, apart from the rows, untouched while nobody tells times."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monolith.table.arena import Arena

if TYPE_CHECKING:
    from monolith.core.arrays import Indices
    from monolith.table.rows import Times


class UpdateTimes:
    """Times by row number, the `latest` of all, and of those that were `told`: 0 until there is one.

    No memory is taken until then. What is not told are steps that stand for times.
    """

    def __init__(self, rows: int) -> None:
        """Reserve address space for `rows`."""
        self._arena = Arena(1, np.uint32, reserve=4 * rows)
        self._hearing = threading.Lock()
        self._begun = False
        self.latest = 0
        self.told = 0

    @property
    def kept(self) -> NDArray[np.uint32]:
        """Of each row by number, (capacity, 1); rows that are told a time must be covered."""
        return self._arena.array

    def hear(self, latest: int) -> None:
        """There has been an update at this time, or, 0, at none. Safe from many threads."""
        if latest:
            with self._hearing:
                self.latest = max(self.latest, latest)

    def tell(self, times: Times) -> None:
        """Somebody says that it is as late as `times`, as far as they are known. Safe from many threads."""
        if len(times):
            with self._hearing:
                self.told = max(self.told, int(times.max()))

    def begin(self, end: int) -> None:
        """From now on there is room for the times of all rows; they are those below `end` today.

        Raises:
            MemoryError: the system has no more.
        """
        self._arena.ensure(end)
        self._begun = True

    def cover(self, end: int) -> None:
        """Make room for the rows below `end`, if there are times at all; raises as `begin`."""
        if self._begun:
            self._arena.ensure(end)

    def fetch(self, start: int, stop: int) -> None:
        """Have the system find memory for the times of these rows now, if there are times at all."""
        if self._begun:
            self._arena.fetch(start, stop)

    @property
    def begun(self) -> bool:
        return self._begun

    def of(self, numbers: Indices) -> Times:
        """The times of rows `numbers` (n,)."""
        if not self._begun:
            return np.zeros(len(numbers), np.uint32)
        times: Times = self._arena.array[numbers, 0]
        return times

    def advance(self, numbers: Indices, times: Times) -> None:
        """Rows `numbers` (n,), which are covered, were updated at `times` (n,), unless they were later."""
        np.maximum.at(self._arena.array[:, 0], numbers, times)

    def memory_bytes(self, end: int) -> int:
        """Bytes taken for the rows below `end`."""
        return 4 * end if self._begun else 0

    def unset(self, numbers: Indices) -> None:
        """Rows `numbers` are new: nobody has updated them yet."""
        if self._begun:
            self._arena.array[numbers, 0] = 0

    def copy(self, old: Indices, new: Indices) -> None:
        """Rows `new`, which are nobody's, will be what rows `old` are."""
        if self._begun:
            self._arena.array[new] = self._arena.array[old]

    def release(self, start: int, stop: int) -> None:
        """Give the memory of rows `start` to `stop` back, who are nobody's."""
        self._arena.release(start, stop)
