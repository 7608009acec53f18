"""What is done to all rows of a table: they are copied, restored, counted, or forgotten when they are old.

Most of it goes a slice of the sub-tables at a time: other calls come in between, so that none waits for long
and rows may come and go meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.core.arrays import as_fids, as_rows
from monolith.core.errors import ConfigError
from monolith.table import eviction
from monolith.table.compiling import given
from monolith.table.index import SUBTABLES, Survey
from monolith.table.occurrences import times_of
from monolith.table.rows import TableRows
from monolith.table.sharing import SharedRows
from monolith.table.stats import TableReport, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from monolith.core.arrays import Fids
    from monolith.table.admission.base import State
    from monolith.table.eviction import Sample
    from monolith.table.rows import Times

COPIED_AT_ONCE = 1 << 14


class AllRows(SharedRows):
    """The rows of a table, as who saves, restores or empties it sees them. Safe from many threads."""

    def expire(self, now: int | None = None) -> int:
        """Forget the rows that, at `now`, were not updated for as long as their slot's are kept.

        `now` is the latest time that somebody told of an update, before a restore too, unless given. Returns
        how many rows left.
        Other calls come in between, so rows may come and go meanwhile.
        """
        now = self._store.times.told if now is None else now
        count = 0
        for span in eviction.slices(len(self)) if self.config.expires else ():
            with self._turns.alone:
                count += self._population.expire(span, now)
        return count

    def shrink(self, rows: int) -> int:
        """`retire` as many as there are beyond `rows`; returns how many left."""
        left = 0
        while forgotten := self.retire(len(self) - rows):
            left += forgotten
        return left

    def retire(self, count: int) -> int:
        """Forget `count` rows, or all: those that were least recently updated; returns how many left.

        Exactly those, if there are no more than 16,384. Else each slice of about so many loses its oldest, as
        large a part of each, so a row that leaves may be younger than one that stays, but not by more than
        about a hundredth of all rows are. Other calls come in between, so rows may come and go meanwhile.
        """
        left = 0
        while forgotten := self._retire_some(count - left):
            left += forgotten
        return left

    def _retire_some(self, count: int) -> int:
        """From each slice its part of so many rows, or of what it has as much as may leave at once."""
        rows, left = len(self), 0
        for span in eviction.slices(rows):
            if left >= count:
                break
            with self._turns.alone:
                held, forgotten = self._population.retire(span, count - left, rows)
            rows, left = rows - held, left + forgotten
        return left

    def sample(self) -> Sample:
        """Some thousand rows, as good as drawn by lot: how old they are, and for how many they speak."""
        with self._turns.shared:
            return self._population.sample()

    @property
    def spare(self) -> int:
        """So many rows could come without more memory: others had it, who left."""
        with self._turns.shared:
            return self._store.index.spare

    def close_gaps(self) -> None:
        """Give the memory of most rows that left back to the system: others move to where they were.

        Other calls come in between; a part of it is kept for rows that they bring.
        """
        with self._turns.alone:
            self._store.index.begin_closing()
        try:
            for span in eviction.slices(len(self)):
                with self._turns.alone:
                    self._store.close_gaps(span)
            while self._cut():
                pass
        finally:
            with self._turns.alone:
                self._store.index.end_closing()

    def _cut(self) -> bool:
        with self._turns.alone:
            return self._store.cut()

    def export(self) -> TableRows:
        """Every row, sorted by fid: copies. Others come in between, so rows may learn, come and go meanwhile.

        Each row is as it was at one moment.
        """
        fids = [self._fids(span) for span in eviction.slices(len(self))]
        return self._copied(np.sort(np.concatenate(fids)))

    def pieces(self) -> Iterator[TableRows]:
        """Every row, some thousands at a time, in whatever order. Else as `export`."""
        for span in eviction.slices(len(self)):
            yield self._copied(self._fids(span))

    def updated(self) -> Iterator[tuple[Fids, Times]]:
        """Every fid and when it was updated last, 0 where nobody told; thousands at a time, as `pieces`."""
        for span in eviction.slices(len(self)):
            yield self._updated(span)

    def _updated(self, span: tuple[int, int]) -> tuple[Fids, Times]:
        with self._turns.shared:
            fids, numbers = self._store.index.within(*span)
            return fids, self._store.times.of(numbers)

    def _fids(self, span: tuple[int, int]) -> Fids:
        with self._turns.shared:
            return self._store.index.within(*span)[0]

    def _copied(self, fids: Fids) -> TableRows:
        """Copies of those rows that are there."""
        count, known = len(fids), self._store.times
        times = np.zeros(count, np.uint32) if known.latest else None
        values, slots = (np.empty((count, width), np.float32) for width in (self.dim, self.slot_dim))
        rows, there = TableRows(fids, values, slots, times, known.told), np.empty(count, np.bool_)
        for start in range(0, count, COPIED_AT_ONCE):
            some = slice(start, start + COPIED_AT_ONCE)
            with self._turns.shared:
                there[some] = self._store.copy(given(fids[some]), rows.at(some))
        return rows if there.all() else rows.at(np.flatnonzero(there))

    def filter_state(self) -> State:
        """What the filter remembers of ids without a row: what `restore` takes."""
        with self._turns.alone:
            return self._population.filter_state()

    def restore(self, rows: TableRows, filter_state: Mapping[str, NDArray[np.generic]] | None = None) -> None:
        """Become exactly `rows`, and a filter that remembers `filter_state`, or nothing.

        Rows that are there answer until the others are complete, so for a moment there is memory for both.

        Raises:
            DimensionMismatch: `rows` are not of this table's dim and slot_dim; the table is unchanged.
            ConfigError: a fid has two rows, or `filter_state` is another filter's; the table is unchanged.
        """
        fids = as_fids(rows.fids)
        values = as_rows(rows.values, len(fids), self.dim)
        slots = as_rows(rows.slots, len(fids), self.slot_dim)
        times = None if rows.times is None else times_of(rows.times, given(fids), "a table")
        others = self._others(filter_state)
        kept = others.keeping(TableRows(fids, values, slots, times, rows.latest_told))
        others.store.fill(kept)
        if len(others.store) != len(kept):
            raise ConfigError([f"rows of a table: fid {_first_of_two(kept.fids)} has two, and must have one"])
        with self._turns.alone:
            self._become(others)
        self._skip_zeros(given(fids))

    def clear(self) -> None:
        """Forget every row, and what the filter remembers, and give the memory back."""
        with self._turns.alone:
            self._become(self._others())

    def stats(self) -> TableReport:
        """How full the index is, and what was asked of the table since it was made.

        Surveys one sub-table at a time and lets others in between, so the figures are not of one moment.
        """
        survey = Survey()
        for t in range(SUBTABLES):
            with self._turns.shared:
                self._store.index.survey(t, survey)
        with self._turns.shared:
            return report(
                survey,
                self._tally,
                self._population.memory_bytes,
                filter_bytes=self._population.filter_bytes,
                row_bytes=self._store.row_bytes,
                most_rows=self._population.most_rows,
            )


def _first_of_two(fids: Fids) -> int:
    """The least fid that is there more than once."""
    fids = np.sort(fids)
    return int(fids[1:][fids[1:] == fids[:-1]][0])
