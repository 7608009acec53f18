"""The rows of a table, which many threads share: who is there, who comes and goes, and copies of all.

Lookups and updates of rows that are there run side by side, as many as there are threads: the kernels
underneath release the interpreter lock, and a row is never torn, for a lock in its cell (`rowlock.py`) lets
one thread at a time change it and shows to those who read that it has changed. Whatever moves cells about,
creating, growing and evicting, is done alone (`turns.py`), a little at a time, so that others wait for some
milliseconds at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from monolith.core.arrays import as_fids, as_rows
from monolith.table import eviction, layout
from monolith.table.compiling import given
from monolith.table.index import SUBTABLES, Survey
from monolith.table.journal import Journal
from monolith.table.occurrences import times_of
from monolith.table.population import Population
from monolith.table.rows import TableRows
from monolith.table.stats import TableReport, Tally, report
from monolith.table.store import UNTIMED
from monolith.table.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from monolith.core.arrays import Fids, Indices, Rows
    from monolith.table.admission.base import State
    from monolith.table.config import TableConfig
    from monolith.table.eviction import Sample
    from monolith.table.rows import Times
    from monolith.table.store import Store

T = TypeVar("T")
CHANGED_AT_ONCE = 2048  # rows that come or go while others wait
COPIED_AT_ONCE = 1 << 14


class SharedRows:
    """Rows of a table of `config`, which start as `seed` decides. Empty at first; safe from many threads.

    With `dated`, each has a time, so that `sample` and `retire` can tell the oldest.
    """

    def __init__(self, config: TableConfig, seed: int, *, dated: bool = False) -> None:
        self.config = config
        self.dim = config.dim
        self.slot_dim = layout.slot_dim(config)
        self._seed = seed
        self._dated = dated
        self._tally = Tally()
        self._turns = Turns()
        self._journal: Journal | None = None
        self._population = self._others()

    @property
    def _store(self) -> Store:
        return self._population.store

    def __len__(self) -> int:
        with self._turns.shared:
            return len(self._store)

    @property
    def memory_bytes(self) -> int:
        """Bytes of rows, index and filter in use; those of evicted rows too, for they are kept for others."""
        with self._turns.shared:
            return self._population.memory_bytes

    @property
    def empty_bytes(self) -> int:
        """What `memory_bytes` is without any row, once the filter has grown as large as it may."""
        return self._population.empty_bytes

    def evict(self, fids: Fids) -> int:
        """Forget these fids; returns how many were known. Their memory is used for fids to come."""
        fids = given(np.unique(as_fids(fids)))
        return sum(self._alone(np.arange(len(fids)), lambda some: self._population.evict(given(fids[some]))))

    def expire(self, now: int | None = None) -> int:
        """Forget the rows that, at `now`, were not updated for as long as their slot's are kept.

        `now` is the latest time that somebody told of an update, unless given. Returns how many rows left.
        Other calls come in between, so rows may come and go meanwhile.
        """
        now = self._store.times.told if now is None else now
        count = 0
        for span in eviction.slices(len(self)) if self.config.expires else ():
            with self._turns.alone:
                count += self._population.expire(span, now)
        return count

    def shrink(self, rows: int) -> int:
        """Forget the least recently updated rows until no more than `rows` are left; returns how many left.

        Other calls come in between, so rows may come and go meanwhile.
        """
        return self._until_none(lambda _: self._population.shrink(rows))

    def retire(self, count: int) -> int:
        """Forget the `count` least recently updated rows, or all; returns how many left. Else as `shrink`."""
        return self._until_none(lambda left: self._population.retire(count - left))

    def _until_none(self, forget: Callable[[int], int]) -> int:
        """Forget some, told how many have left, until there are none; returns how many left in all."""
        left = 0
        while True:
            with self._turns.alone:
                forgotten = forget(left)
            if not forgotten:
                return left
            left += forgotten

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
        for span in eviction.slices(len(self)):
            with self._turns.alone:
                self._store.close_gaps(span)
        with self._turns.alone:
            self._store.cut()

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
        count, times = len(fids), np.zeros(len(fids), np.uint32) if self._store.times.latest else None
        values, slots = (np.empty((count, width), np.float32) for width in (self.dim, self.slot_dim))
        rows, there = TableRows(fids, values, slots, times), np.empty(count, np.bool_)
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
            ConfigError: `filter_state` is another filter's; the table is unchanged.
        """
        fids = as_fids(rows.fids)
        values = as_rows(rows.values, len(fids), self.dim)
        slots = as_rows(rows.slots, len(fids), self.slot_dim)
        times = None if rows.times is None else times_of(rows.times, given(fids), "a table")
        others = self._others(filter_state)
        others.store.fill(TableRows(fids, values, slots, times))
        others.keep_room()
        with self._turns.alone:
            self._become(others)
        self._skip_zeros(given(fids))

    def clear(self) -> None:
        """Forget every row, and what the filter remembers, and give the memory back."""
        with self._turns.alone:
            self._become(self._others())

    def journal(self) -> Journal:
        """What tells, from now on, which rows change; always the same.

        Rows that a lookup creates have not changed; those that leave have.
        """
        with self._turns.alone:
            if self._journal is None:
                journal = Journal(self._turns.alone)
                self._store.told_to(journal)
                self._journal = journal
            return self._journal

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

    def _others(self, filter_state: Mapping[str, NDArray[np.generic]] | None = None) -> Population:
        """Nobody yet, but a filter that remembers `filter_state`."""
        return Population(self.config, self._seed, self._tally, filter_state, dated=self._dated)

    def _become(self, others: Population) -> None:
        if self._journal:
            others.store.told_to(self._journal)
        self._population = others

    def _beside_others(self, times: Times, work: Callable[[], Indices]) -> Indices:
        """Do work that shares the store, which by then keeps times if there are any."""
        while True:
            with self._turns.shared:
                if self._store.times.begun or not len(times):
                    return work()
            with self._turns.alone:
                self._store.times.begin(self._store.index.end)

    def _creating(self, missing: Indices, work: Callable[[Indices], int], times: Times = UNTIMED) -> int:
        """Do work that creates rows for those `missing`; returns how many."""
        if not len(missing):
            return 0
        with self._turns.alone:
            self._store.make_room(len(missing))  # or fail before anything has changed

        def create(some: Indices) -> int:
            if len(times):
                self._store.times.begin(self._store.index.end)
            created = work(some)
            self._population.keep_room()
            return created

        return sum(self._alone(missing, create))

    def _alone(self, which: Indices, work: Callable[[Indices], T]) -> list[T]:
        """Do work on rows that may come or go, some at a time; others come in between."""
        done = []
        for start in range(0, len(which), CHANGED_AT_ONCE):
            with self._turns.alone:
                done.append(work(which[start : start + CHANGED_AT_ONCE]))
        return done

    def _read(self, fids: Fids, rows: Rows) -> Indices:
        with self._turns.shared:
            return self._store.read(fids, rows)

    def _skip_zeros(self, fids: Fids) -> None:
        if self.config.skip_zero_embedding:
            self._alone(np.arange(len(fids)), lambda some: self._population.skip_zeros(given(fids[some])))
