"""When each row was last updated: 4 bytes a row, apart from the rows, untouched while nobody tells times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monolith.table.arena import Arena
from monolith.table.compiling import AHEAD, kernel, prefetch

if TYPE_CHECKING:
    from monolith.core.arrays import Indices
    from monolith.table.rows import Times


class UpdateTimes:
    """Times by row number, and the `latest` ever told: 0, and no memory taken, until there is one."""

    def __init__(self, rows: int) -> None:
        """Reserve address space for `rows`."""
        self._arena = Arena(1, np.uint32, reserve=4 * rows)
        self.latest = 0

    def of(self, numbers: Indices) -> Times:
        """The times of rows `numbers` (n,)."""
        if not self.latest:
            return np.zeros(len(numbers), np.uint32)
        times: Times = self._arena.array[numbers, 0]
        return times

    def advance(self, numbers: Indices, times: Times, end: int) -> None:
        """Rows `numbers` (n,), all below `end`, were updated at `times` (n,), unless they were later."""
        self.latest = max(self.latest, int(times.max(initial=0)))
        self._arena.ensure(end)
        _advance(self._arena.array, numbers, times)

    def cover(self, end: int) -> None:
        """Make room for the rows below `end`, if there are times at all.

        Raises:
            MemoryError: the system has no more.
        """
        if self.latest:
            self._arena.ensure(end)

    def memory_bytes(self, end: int) -> int:
        """Bytes taken for the rows below `end`."""
        return 4 * end if self.latest else 0

    def forget(self, numbers: Indices) -> None:
        """Rows `numbers` are nobody's."""
        if self.latest:
            self._arena.array[numbers, 0] = 0


@kernel
def _advance(kept: NDArray[np.uint32], numbers: Indices, times: Times) -> None:
    for i in range(len(numbers)):
        prefetch(kept, numbers[min(i + AHEAD, len(numbers) - 1)], 0)
        kept[numbers[i], 0] = max(kept[numbers[i], 0], times[i])
