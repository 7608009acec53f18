"""Which row belongs to a fid: one number a fid, and the numbers of fids that left are given again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from monolith.core.arrays import Fids, Indices
from monolith.core.fids import MAX_SLOT
from monolith.table import probing
from monolith.table.arena import Arena
from monolith.table.compiling import given
from monolith.table.freed import UNBOUNDED, Freed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monolith.table.probing import Subtables

SUBTABLES = 1 << probing.SUBTABLE_BITS  # growth handles one at a time: 2 to 3 ms each at 2e7 ids
FIRST_CELLS = 8
# Sub-tables fill evenly; were they to grow at the same load, they would all grow in the same batch.
FULL = np.linspace(0.5, 0.7, SUBTABLES)
CELL_BYTES = 16
KEPT = 4  # of freed numbers, one in so many is kept for others where the rest is given up
SPARE = 32  # and no more than one for so many fids
# What is fetched before fids come: the cells of so many sub-tables, for a few may grow in any batch, and so
# many cells for each fid. Where all grow within a few batches, as small ones do, it is 5 to 8, at most 22.
GROW_AT_ONCE, FETCHED_CELLS = 4, 16
EMPTY_BYTES = CELL_BYTES * SUBTABLES * FIRST_CELLS  # of an index without fids
# A fid, beyond that: in a sub-table that has just grown, and the bit of its number.
MOST_BYTES = int(2 * CELL_BYTES / FULL[0]) + 1


@dataclass
class Survey:
    """What the cells look like; rows of sub-tables that were surveyed, added up."""

    cells: int = 0
    probes: int = 0  # cache lines that are looked at to find each fid once
    longest: int = 0  # the most that are looked at for one fid
    rows_by_slot: Indices = field(default_factory=lambda: np.zeros(MAX_SLOT + 1, np.int64))


class Index:
    """fid -> row number, without collisions. `end` is one more than the highest number ever given."""

    def __init__(self) -> None:
        self._arena = Arena(2, np.int64)
        self._first = np.arange(SUBTABLES, dtype=np.uint64) * np.uint64(FIRST_CELLS)
        self._mask = np.full(SUBTABLES, FIRST_CELLS - 1, np.uint64)
        self._used = np.zeros(SUBTABLES, np.int64)
        self._limit = (FULL * FIRST_CELLS).astype(np.int64)
        self._cells_end = SUBTABLES * FIRST_CELLS
        self._arena.ensure(self._cells_end)
        self._holes: dict[int, list[int]] = {}  # where runs of so many cells begin that nobody uses
        self._free = Freed(len(self._arena.array))  # a number needs a cell
        self.end = 0

    def __len__(self) -> int:
        return int(self._used.sum())

    @property
    def memory_bytes(self) -> int:
        return CELL_BYTES * (int(self._mask.sum()) + SUBTABLES) + self._free.memory_bytes(self.end)

    @property
    def spare(self) -> int:
        """How many numbers have been given that nobody has now."""
        return len(self._free)

    def find(self, fids: Fids) -> Indices:
        """Row numbers (n,), -1 where unknown."""
        numbers = np.empty(len(fids), np.int64)
        probing.find(self.subtables(), fids, numbers)
        return numbers

    def add(self, fids: Fids) -> tuple[Fids, Indices]:
        """Give every unknown fid a number; returns the fids that got one, each once, and their numbers.

        Raises:
            MemoryError: there is no room to grow; some may have got theirs: `remove` takes it from them.
        """
        new = self._upcoming(len(fids))
        created = np.empty(len(fids), np.int64)
        done = taken = 0
        while done < len(fids):
            tables = self.subtables()
            looked_at, used, full = probing.insert(tables, fids[done:], new[taken:], created[taken:])
            self._take(new[taken : taken + used])
            created[taken : taken + used] += done
            done, taken = done + looked_at, taken + used
            if full >= 0:
                self._grow(int(full))
        return fids[created[:taken]], new[:taken]

    def remove(self, fids: Fids, room: Indices | None = None) -> int:
        """Forget fids; returns how many were known. With `room` for as many numbers it takes no memory."""
        freed = np.empty(len(fids), np.int64) if room is None else room
        count = probing.remove(self.subtables(), fids, freed)
        self._free.put(freed[:count])
        return count

    def begin_closing(self) -> int:
        """Give numbers that are free below a bound only, from now until `end_closing`; returns the bound.

        There are no fewer of those than fids, so that each with a higher number can get a lower one.
        """
        live = self.end - self.spare
        self._free.bound = live + min(self.spare // KEPT, live // SPARE)
        return self._free.bound

    def end_closing(self) -> None:
        """Give any number that is free."""
        self._free.bound = UNBOUNDED

    def movable(self, span: tuple[int, int]) -> tuple[Fids, Indices, Indices]:
        """Fids of a run of sub-tables whose numbers are held back, these, and lower ones for `renumber`.

        As many as there are lower ones.
        """
        fids, numbers = self.within(*span)
        high = numbers >= self._free.bound
        new = self._free.lowest(int(np.count_nonzero(high)))
        return given(fids[high][: len(new)]), numbers[high][: len(new)], new

    def renumber(self, fids: Fids, old: Indices, new: Indices) -> None:
        """Let fids have the numbers that `movable` has just given. Takes no memory."""
        self._free.take(new)
        probing.renumber(self.subtables(), fids, new)
        self._free.put(old)

    def shrink(self, span: tuple[int, int]) -> None:
        """Halve those of a run of sub-tables that would be half as full then as where they grow."""
        for t in range(*span):
            size = int(self._mask[t]) + 1
            while size > FIRST_CELLS and 4 * self._used[t] < int(FULL[t] * size):
                size //= 2
            if size <= self._mask[t]:
                self._resize(t, size)

    def cut(self, least: int) -> int:
        """Forget freed numbers that are higher than all others, down to `least`; returns the former `end`."""
        before = self.end
        self.end = self._free.give_up(before, least)
        return before

    def entries(self) -> tuple[Fids, Indices]:
        """All fids in ascending order, and their row numbers."""
        fids, numbers = self.within(0, SUBTABLES)
        order = np.argsort(fids)
        return fids[order], numbers[order]

    def within(self, start: int, stop: int) -> tuple[Fids, Indices]:
        """The fids of sub-tables `start` to `stop`, in whatever order, and their row numbers.

        After the last sub-table comes the first.
        """
        count = int(self._used[np.arange(start, stop) % SUBTABLES].sum())
        fids, numbers = np.empty(count, np.int64), np.empty(count, np.int64)
        probing.within(self.subtables(), start, stop, fids, numbers)
        return fids, numbers

    def fullest(self, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """Which of these runs of sub-tables, which cover all, holds most fids for its length."""
        held = np.add.reduceat(self._used, [start for start, _ in spans])
        return spans[int((held / [stop - start for start, stop in spans]).argmax())]

    def survey(self, t: int, into: Survey) -> None:
        """Add what sub-table `t` looks like."""
        probes, longest = probing.survey(self.subtables(), t, into.rows_by_slot)
        into.cells += int(self._mask[t]) + 1
        into.probes += probes
        into.longest = max(into.longest, longest)

    def subtables(self) -> Subtables:
        return self._arena.array, self._first, self._mask, self._used, self._limit

    def fetch_room(self, count: int) -> None:
        """Have the system find memory for the cells of so many fids more now, as `Arena.fetch`."""
        grown = 2 * (int(self._mask.max()) + 1)
        growing = min(GROW_AT_ONCE + FETCHED_CELLS * count // grown, SUBTABLES)
        self._arena.fetch(self._cells_end, self._cells_end + growing * grown)

    def _grow(self, t: int) -> None:
        self._resize(t, 2 * (int(self._mask[t]) + 1))

    def _resize(self, t: int, size: int) -> None:
        """Move sub-table `t` to `size` cells elsewhere."""
        first, before = int(self._first[t]), int(self._mask[t]) + 1
        self._first[t], self._mask[t] = self._empty_cells(size), size - 1
        self._limit[t] = int(FULL[t] * size)
        probing.move_in(self.subtables(), self._arena.array[first : first + before])
        self._arena.release(first, first + before)
        self._holes.setdefault(before, []).append(first)

    def _empty_cells(self, size: int) -> int:
        """Where so many begin: in a hole that was as large, else behind all others."""
        if self._holes.get(size):
            first = self._holes[size].pop()
            self._arena.array[first : first + size] = 0
            return first
        self._arena.ensure(self._cells_end + size)
        self._cells_end += size
        return self._cells_end - size

    def _upcoming(self, count: int) -> Indices:
        """The next `count` numbers to give, covered: freed ones, then fresh ones, each ascending."""
        self._free.cover(self.end + count)
        freed = self._free.lowest(count)
        return np.concatenate([freed, np.arange(self.end, self.end + count - len(freed))])

    def _take(self, numbers: Indices) -> None:
        """These, the first of the upcoming ones, are given."""
        self.end += len(numbers) - self._free.take(numbers)
