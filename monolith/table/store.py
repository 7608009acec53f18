"""Rows by fid, and when each was last updated: index, memory and times, which belong together.

Not safe from many threads by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.core.arrays import Flags, Indices
from monolith.table import copying, initializers, layout
from monolith.table.arena import Arena
from monolith.table.compiling import given
from monolith.table.index import Index
from monolith.table.times import UpdateTimes

if TYPE_CHECKING:
    from monolith.core.arrays import Fids, Rows
    from monolith.table.config import TableConfig


class Store:
    """Rows of a table of `config`, which start as `seed` decides. Empty at first.

    `index` and `times` may be read; what changes them together is done here.
    """

    def __init__(self, config: TableConfig, seed: int) -> None:
        self._seed = seed
        self._unseen = layout.unseen_row(config)
        self._segments = tuple(layout.places(config))
        self._arena = Arena(len(self._unseen), np.float32)
        self.index = Index()
        self.times = UpdateTimes(len(self._arena.array))

    def __len__(self) -> int:
        return len(self.index)

    @property
    def rows(self) -> Rows:
        """All rows by number, values and state; rows of the future included."""
        rows: Rows = self._arena.array
        return rows

    @property
    def row_bytes(self) -> int:
        """Bytes of a row's values and state."""
        return self._unseen.nbytes

    @property
    def memory_bytes(self) -> int:
        """Bytes in use; rows of forgotten fids count, for they are kept for others."""
        end = self.index.end
        return end * self.row_bytes + self.times.memory_bytes(end) + self.index.memory_bytes

    def find_or_create(self, fids: Fids) -> tuple[Indices, Flags, int]:
        """Row numbers (n,), which fids existed, and how many rows were created for the others."""
        numbers = self.index.find(fids)
        existed = numbers >= 0
        return numbers, existed, self.create(fids, numbers, np.flatnonzero(~existed))

    def create(self, fids: Fids, numbers: Indices, which: Indices) -> int:
        """Create rows for `fids[which]`, which have none; sets their `numbers`, and returns how many."""
        if not len(which):
            return 0
        unknown = given(fids[which])
        end = self.index.end + len(unknown)
        self._arena.ensure(end)  # first, so that no fid is left without its row
        self.times.cover(end)
        created, new = self.index.add(unknown)
        self.initialise(new, given(created))
        numbers[which] = self.index.find(unknown)
        return len(new)

    def initialise(self, numbers: Indices, fids: Fids) -> None:
        """Let rows `numbers` of `fids` be as they start."""
        initializers.stamp(self.rows, numbers, self._unseen)
        for segment, place in self._segments:
            initializers.draw(self.rows, numbers, fids, (segment, place), self._seed)

    def columns(self, numbers: Indices, start: int, width: int) -> Rows:
        """Columns `start` to `start + width` of rows `numbers`, zeros where that is -1."""
        out = np.empty((len(numbers), width), np.float32)
        copying.gather(self.rows, numbers, np.uint64(start), out)
        return out

    def forget(self, fids: Fids, numbers: Indices) -> int:
        """These fids and rows, which belong together, part; returns how many there were."""
        self.times.forget(numbers)
        return self.index.remove(given(fids))
