"""So many bytes for several tables together: who has to leave, whichever table they are of.

When the tables take more than they may, the rows leave that were least recently updated in all of them: how
many of each table that are is read off a sample of the times in each. Each forgets so many of its own
oldest, a slice at a time, and gives their memory back. But first, tables from which many rows left give back
what these took, and perhaps nobody has to leave.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from monolith.core.errors import ConfigError
from monolith.table.eviction import shares
from monolith.table.index import KEPT, SPARE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from monolith.table.table import Table

# Free shares of the budget: with less, who brings rows waits; with less, rows begin to leave; until so much.
LAST, LITTLE, ENOUGH = 1 / 64, 1 / 32, 1 / 16
ROUNDS = 4  # at most: a sample may be wrong
SPARSE = 16  # rows to one that left: with fewer, half of what those took, or more, can be given back
CALM_S = 60.0  # without need before the next need is worth another warning
log = logging.getLogger(__name__)


class Budget:
    """Keeps `tables()` within `most` bytes. Safe from many threads, of whom one has rows leave.

    Args:
        tables: those that there are now, by name; they are `dated`.
        most: bytes of rows, indices and filters.
        clock: seconds, of which only differences mean anything.
    """

    def __init__(
        self, tables: Callable[[], Iterable[tuple[str, Table]]], most: int, clock: Callable[[], float]
    ) -> None:
        self.most = most
        self.evicted = 0
        self._tables = tables
        self._clock = clock
        self._needed: float | None = None  # when rows had to leave last
        self._lock = threading.Lock()

    def admit(self, tables: Iterable[Table]) -> None:
        """Judge tables, all that there would be.

        Raises:
            ConfigError: there would be no room for any row.
        """
        needed = sum(table.empty_bytes for table in tables)
        if needed > self.most * (1 - ENOUGH):
            said = f"memory budget of {self.most} bytes: the tables take {needed} without any row"
            raise ConfigError([f"{said}; give more, or their filters less capacity"])

    def tick(self) -> int:
        """Have rows leave before there is need: to be called every second or so. Returns how many left."""
        return self._keep(LITTLE)

    def hold(self) -> int:
        """Have rows leave if there is need, while whoever brought some waits. Returns how many left."""
        return self._keep(LAST)

    def _keep(self, free: float) -> int:
        if not self._lacking(free):
            return 0
        with self._lock:
            if not self._lacking(free):
                return 0  # somebody else saw to it
            self._close_gaps()
            return self._evict() if self._lacking(free) else 0

    def _close_gaps(self) -> None:
        for _, table in self._tables():
            if SPARSE * table.spare > len(table):
                table.close_gaps()

    def _evict(self) -> int:
        self._warn()
        before = self.evicted
        for _ in range(ROUNDS):
            if not self._forget(self._lacking(ENOUGH)) or not self._lacking(LITTLE):
                break
        return self.evicted - before

    def _lacking(self, free: float) -> int:
        """Bytes that must be given back so that this share of the budget is free."""
        return max(self._bytes() - int(self.most * (1 - free)), 0)

    def _forget(self, excess: int) -> int:
        """Have the oldest rows leave, to give so many bytes back; returns how many left."""
        held = [table for _, table in self._tables()]
        sampled = [(table, one) for table in held if len((one := table.sample()).times)]
        freed = excess + min(excess // (KEPT - 1), self.most // SPARE)  # of which a part is kept for others
        counts = shares([one for _, one in sampled], freed) if sampled else []
        left = 0
        for (table, _), count in zip(sampled, counts, strict=True):
            if count:
                gone = table.retire(count)
                left, self.evicted = left + gone, self.evicted + gone
                table.close_gaps()
        return left

    def _bytes(self) -> int:
        return sum(table.memory_bytes for _, table in self._tables())

    def _warn(self) -> None:
        """Once an episode, which ends when for `CALM_S` nobody had to leave."""
        last, self._needed = self._needed, self._clock()
        if last is None or self._needed - last >= CALM_S:
            log.warning(
                "tables take %d of %d bytes: the least recently updated rows leave", self._bytes(), self.most
            )
