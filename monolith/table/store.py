"""Rows by fid, and when each was last updated: index, memory and times, which belong together.

Many threads may `read` and `update` at once. Whoever calls anything else must be alone with the store.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

import numpy as np

from monolith.core.arrays import Flags, Indices
from monolith.table import copying, initializers, layout, reading, updating
from monolith.table.arena import Arena
from monolith.table.compiling import given
from monolith.table.index import Index
from monolith.table.journal import MARK_BYTES, UNMARKED, Journal
from monolith.table.rows import TableRows
from monolith.table.times import UpdateTimes

if TYPE_CHECKING:
    from monolith.core.arrays import Fids, Rows
    from monolith.table.config import TableConfig
    from monolith.table.rows import Times
    from monolith.table.updating import Work

UNTIMED = given(np.empty(0, np.uint32))  # nobody knows when
CUT_AT_ONCE = 16 << 20  # bytes of rows: two milliseconds


class Store:
    """Rows of a table of `config`, which start as `seed` decides. Empty at first.

    `index` and `times` may be read; what changes them together is done here.
    """

    def __init__(self, config: TableConfig, seed: int) -> None:
        self.dim = config.dim
        self._seed = seed
        self._unseen = layout.unseen_row(config)
        self._segments = tuple(layout.places(config))
        pages = max(CUT_AT_ONCE // self.row_bytes // mmap.PAGESIZE, 1)
        self._cut_at_once = pages * mmap.PAGESIZE  # rows: so many fill whole pages, however wide they are
        self._arena = Arena(len(self._unseen), np.float32)
        self.index = Index()
        self.times = UpdateTimes(len(self._arena.array))
        self._journal: Journal | None = None

    def __len__(self) -> int:
        return len(self.index)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row's values and state."""
        return self._unseen.nbytes

    @property
    def memory_bytes(self) -> int:
        """Bytes in use; rows of forgotten fids count, for they are kept for others.

        What a journal has noted does not: it goes once it is read, and rows would leave for it for good.
        """
        end, marks = self.index.end, MARK_BYTES if self._journal else 0
        return end * (self.row_bytes + marks) + self.times.memory_bytes(end) + self.index.memory_bytes

    def read(self, fids: Fids, out: Rows, start: int = 0) -> Indices:
        """Copy columns of rows from `start` on into `out` (n, width), each row as it was at one moment.

        Zeros for those that have none; returns their positions.
        """
        missing = np.empty(len(fids), np.int64)
        tables = self.index.subtables()
        count = reading.read(tables, self._arena.array, fids, np.uint64(start), out, missing)
        return missing[:count]

    def update(self, work: Work, fids: Fids, values: Rows, times: Times = UNTIMED) -> Indices:
        """Do `work` to the rows of `fids`, with `values` (n, dim); positions of fids that have no row.

        `times` are when each fid occurred (n,), or `UNTIMED`; `times.begin` must have come first.

        Raises:
            MemoryError: the system has no more; nothing has changed.
        """
        missing = np.empty(len(fids), np.int64)
        marking = self._journal.marking(len(fids)) if self._journal else UNMARKED
        stamps = (self.times.kept, times), marking
        tables, rows = self.index.subtables(), self._arena.array
        count, marked, latest = updating.update(tables, rows, (fids, values), work, stamps, missing)
        if self._journal:
            self._journal.note(marking[1][:marked])
        self.times.hear(int(latest))  # from here on nothing may need memory
        return missing[:count]

    def fetch_room(self, count: int) -> None:
        """Have the system find memory for so many rows more now, so that who makes them need not wait for it.

        Many threads may ask at once.
        """
        end = self.index.end
        self._arena.fetch(end, end + count)
        self.times.fetch(end, end + count)
        self.index.fetch_room(count)

    def make_room(self, count: int) -> None:
        """For so many rows more.

        Raises:
            MemoryError: there is none; nothing has changed.
        """
        end = self.index.end + count
        self._arena.ensure(end)
        self.times.cover(end)
        if self._journal:
            self._journal.cover(end)

    def find_or_create(self, fids: Fids) -> tuple[Indices, Flags, int]:
        """Row numbers (n,), which fids existed, and how many rows were created for the others.

        Raises:
            MemoryError: there is no room; nothing has changed.
        """
        numbers = self.index.find(fids)
        existed = numbers >= 0
        which = np.flatnonzero(~existed)
        if not len(which):
            return numbers, existed, 0
        unknown = given(fids[which])
        self.make_room(len(unknown))
        try:
            created, new = self.index.add(unknown)
            self._begin(new, given(created))
            numbers[which] = self.index.find(unknown)
        except MemoryError:
            self.index.remove(unknown, room=numbers)
            raise
        return numbers, existed, len(new)

    def _begin(self, numbers: Indices, fids: Fids) -> None:
        """Let rows `numbers` be as those of `fids` start, with nothing left of whose they were before."""
        self.initialise(numbers, fids)
        self.times.unset(numbers)
        if self._journal:
            self._journal.unmark(numbers)

    def initialise(self, numbers: Indices, fids: Fids) -> None:
        """Let rows `numbers` of `fids` be as they start."""
        initializers.stamp(self._arena.array, numbers, self._unseen)
        for segment, place in self._segments:
            initializers.draw(self._arena.array, numbers, fids, (segment, place), self._seed)

    def fill(self, rows: TableRows) -> None:
        """Take in rows of this store's widths, whose times are judged."""
        numbers, _, _ = self.find_or_create(given(rows.fids))
        copying.scatter(self._arena.array, numbers, np.uint64(0), given(rows.values))
        copying.scatter(self._arena.array, numbers, np.uint64(self.dim), given(rows.slots))
        if rows.times is not None and rows.times.any():
            self.times.begin(self.index.end)
            self.times.advance(numbers, rows.times)
            self.times.hear(int(rows.times.max()))
        self.times.told = rows.latest_told

    def forget(self, fids: Fids) -> int:
        """These fids, which have rows, lose them; returns how many there were.

        Raises:
            MemoryError: the system has no more; nobody has lost any.
        """
        if self._journal:
            self._journal.note(fids)
        return self.index.remove(given(fids))

    def close_gaps(self, span: tuple[int, int]) -> None:
        """Move rows of a run of sub-tables to numbers that are free, after `index.begin_closing`.

        Raises:
            MemoryError: the system has no more; each row is where it was, or where it is to be.
        """
        fids, old, new = self.index.movable(span)
        self._arena.array[new] = self._arena.array[old]
        self.times.copy(old, new)
        if self._journal:
            self._journal.copy(old, new)
        self.index.renumber(fids, old, new)  # last: this cannot fail
        self.index.shrink(span)

    def cut(self) -> bool:
        """Give memory behind the last row back, as much as others may wait for; whether there was any."""
        before = self.index.cut(max(self.index.end - 1, 0) // self._cut_at_once * self._cut_at_once)
        self._arena.release(self.index.end, before)
        self.times.release(self.index.end, before)
        if self._journal:
            self._journal.release(self.index.end, before)
        return self.index.end < before

    def start_over(self, fids: Fids) -> Flags:
        """Let rows be as they start, also those that there were; which those are (n,).

        Raises:
            MemoryError: as `find_or_create`.
        """
        numbers, existed, _ = self.find_or_create(fids)
        if self._journal:
            self._journal.note(fids)
        self.initialise(numbers, fids)
        return existed

    def told_to(self, journal: Journal) -> None:
        """Tell `journal`, from now on, what changes. All rows have, and who has which number."""
        journal.begin_anew(len(self._arena.array), self.index.end)
        self._journal = journal

    def copy(self, fids: Fids, into: TableRows) -> Flags:
        """Copy rows to where `into` has room for them, each as it was at one moment; which are there (n,)."""
        rows = np.empty((len(fids), len(self._unseen)), np.float32)
        missing = self.read(fids, rows)
        into.values[:], into.slots[:] = rows[:, : self.dim], rows[:, self.dim :]
        if into.times is not None:
            into.times[:] = self.times.of(self.index.find(fids))  # of the missing ones anything
        return but(missing, len(fids))


def but(missing: Indices, count: int) -> Flags:
    """Which of `count` fids are there (count,), from the positions of those that are not."""
    there = np.ones(count, np.bool_)
    there[missing] = False
    return there
