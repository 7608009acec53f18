"""What one parameter server holds, and everything it can do with it but wait. Blocking, thread-safe."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from monolith.checkpoint.files import FileEntry
from monolith.config.bad_gradients import BadGradients
from monolith.ps import snapshot
from monolith.ps.api import (
    Applied,
    DenseTensors,
    Found,
    Gradients,
    Lookup,
    RestoreOrder,
    SaveOrder,
    ShardStats,
    Stamp,
)
from monolith.ps.counts import Clock, Counts, Operation, Watch
from monolith.ps.dense import DenseValues, Values
from monolith.ps.meeting import MeetingPlace
from monolith.ps.once import Once
from monolith.ps.tables import Tables
from monolith.ps.upkeep import Upkeep
from monolith.table.config import TableConfig
from monolith.table.table import Table

T = TypeVar("T")
RandomBytes = Callable[[int], bytes]


class ShardState:
    """The answers of one server; `LocalShard` gives them to coroutines, the service to sockets."""

    def __init__(
        self,
        shard: int,
        *,
        seed: int,
        default_dim: int | None = None,
        bad_gradients: BadGradients = BadGradients.REFUSE,
        memory_budget_bytes: int | None = None,
        random: RandomBytes,
        clock: Clock,
    ) -> None:
        self.shard = shard
        self.default_dim = default_dim
        self.incarnation = int.from_bytes(random(8)) or 1  # 0 says "not known" on the wire
        self.meetings = MeetingPlace(shard)
        self._clock = clock
        self._began = clock()
        self._counts = Counts(clock)
        self._once = Once()
        self._tables = Tables(shard, seed, bad_gradients, budget_bytes=memory_budget_bytes, clock=clock)
        self._dense = DenseValues(shard)
        self._upkeep = Upkeep(self._tables.items, clock)
        self._files = threading.Lock()  # a save that is sent again must not write beside the first

    @property
    def uptime_s(self) -> float:
        return self._clock() - self._began

    def watch(self, watch: Watch) -> None:
        """Tell `watch` of every lookup and apply from now on."""
        self._counts.watch = watch

    def create_tables(self, tables: Mapping[str, TableConfig]) -> None:
        self._tables.create(tables)

    def tables(self) -> Iterator[tuple[str, Table]]:
        """Every table that there is now, by name."""
        return self._tables.items()

    def dim(self, table: str) -> int:
        """Length of the table's rows.

        Raises:
            TableNotFound: it was not created.
        """
        return self._tables.get(table).dim

    def lookup(self, requests: Sequence[Lookup]) -> list[Found]:
        with self._counts.timed(Operation.LOOKUP, sum(len(r.fids) for r in requests)):
            return self._tables.lookup(requests)

    def apply(self, requests: Sequence[Gradients], stamp: Stamp | None) -> list[Applied]:
        """Make the updates unless they were made for this stamp; None makes them in any case.

        A request that cannot be is refused before anything changes, and its stamp stays unused.
        """
        with self._counts.timed(Operation.APPLY, sum(len(r.fids) for r in requests)):
            steps = self._tables.judge(requests)
            applied, again = self._make(stamp, lambda: self._tables.apply(steps))
            self._tables.hold()  # apart, for the updates were made even if this fails
        return [Applied(a.updated, a.inserted, duplicate=True) for a in applied] if again else applied

    def push_dense(self, deltas: DenseTensors, stamp: Stamp | None) -> Values:
        """Add the deltas unless they were added for this stamp; the values after that."""
        self._make(stamp, lambda: self._dense.add(deltas))
        return self._dense.get(deltas)

    def set_dense(self, values: DenseTensors, *, overwrite: bool) -> Values:
        return self._dense.set(values, overwrite=overwrite)

    def save(self, order: SaveOrder) -> list[FileEntry]:
        with self._files:
            return snapshot.save(self._tables, order)

    def restore(self, order: RestoreOrder) -> int:
        with self._files:
            snapshot.restore(self._tables, order)
        self._tables.hold()
        return sum(len(table) for _, table in self.tables())

    def tick(self) -> None:
        """Do what is due of its own accord. To be called every few seconds, by one thread."""
        try:
            self._upkeep.tick()
        finally:
            if self._tables.budget:
                self._tables.budget.tick()

    def stats(self) -> ShardStats:
        lookups, applies = self._counts[Operation.LOOKUP], self._counts[Operation.APPLY]
        budget = self._tables.budget
        return ShardStats(
            shard=self.shard,
            incarnation=self.incarnation,
            uptime_s=self.uptime_s,
            tables=self._tables.stats(),
            lookups=lookups.calls,
            applies=applies.calls,
            lookup_us=lookups.mean_us,
            apply_us=applies.mean_us,
            memory_budget_bytes=budget.most if budget else 0,
            evicted_for_memory=budget.evicted if budget else 0,
        )

    def _make(self, stamp: Stamp | None, change: Callable[[], T]) -> tuple[T, bool]:
        return self._once.run(stamp, change) if stamp else (change(), False)
