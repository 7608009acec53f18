"""The rows of a table, which many threads share: what they may do beside each other, and what alone.

Lookups and updates of rows that are there run side by side, as many as there are threads: the kernels
underneath release the interpreter lock, and a row is never torn, for a lock in its cell (`rowlock.py`) lets
one thread at a time change it and shows to those who read that it has changed. Whatever moves cells about,
creating, growing and evicting, is done alone (`turns.py`), a little at a time, so that others wait for some
milliseconds at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from monolith.table import layout
from monolith.table.compiling import given
from monolith.table.journal import Journal
from monolith.table.population import Population
from monolith.table.stats import Tally
from monolith.table.store import UNTIMED
from monolith.table.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from monolith.core.arrays import Fids, Indices, Rows
    from monolith.table.config import TableConfig
    from monolith.table.rows import Times
    from monolith.table.store import Store

T = TypeVar("T")
CHANGED_AT_ONCE = 2048  # rows that come or go while others wait


def _nothing(_: Indices) -> None: ...


class SharedRows:
    """Rows of a table of `config`, which start as `seed` decides. Empty at first; safe from many threads.

    With `dated`, each has a time, so that the oldest can be told.
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

        return sum(self._alone(missing, create, first=lambda some: self._store.fetch_room(len(some))))

    def _alone(
        self, which: Indices, work: Callable[[Indices], T], *, first: Callable[[Indices], None] = _nothing
    ) -> list[T]:
        """Do work on rows that may come or go, some at a time; others come in between, and beside `first`."""
        done = []
        for start in range(0, len(which), CHANGED_AT_ONCE):
            some = which[start : start + CHANGED_AT_ONCE]
            first(some)
            with self._turns.alone:
                done.append(work(some))
        return done

    def _read(self, fids: Fids, rows: Rows) -> Indices:
        with self._turns.shared:
            return self._store.read(fids, rows)

    def _skip_zeros(self, fids: Fids) -> None:
        if self.config.skip_zero_embedding:
            self._alone(np.arange(len(fids)), lambda some: self._population.skip_zeros(given(fids[some])))
