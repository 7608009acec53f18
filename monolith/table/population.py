"""Which fids have a row: who gets one, and who loses it.

Whoever calls this must be alone with the table, except where it is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.core.arrays import LAST_SECOND
from monolith.table import eviction
from monolith.table.admission.gate import gate_of
from monolith.table.compiling import given
from monolith.table.index import EMPTY_BYTES, SUBTABLES
from monolith.table.store import UNTIMED, Store, but

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from monolith.core.arrays import Fids, Flags
    from monolith.table.admission.base import State
    from monolith.table.config import TableConfig
    from monolith.table.rows import TableRows, Times
    from monolith.table.stats import Tally
    from monolith.table.steps import Step


class Population:
    """The rows of a table of `config` in a `store`, and those without a row whom its filter remembers.

    Empty at first, but for a filter that remembers `filter_state`. `tally` is told who is turned away.
    With `dated`, rows have times even if nobody tells any, so that the oldest can be told.

    Raises:
        ConfigError: `filter_state` is another filter's, or a budget does not reach for one row.
    """

    def __init__(
        self,
        config: TableConfig,
        seed: int,
        tally: Tally,
        filter_state: Mapping[str, NDArray[np.generic]] | None = None,
        *,
        dated: bool = False,
    ) -> None:
        self.store = Store(config, seed)
        self._gate = gate_of(config, seed)
        if self._gate and filter_state:
            self._gate.restore(filter_state)
        self._tally = tally
        self._lifetimes = config.slot_expire_time_config.by_slot() if config.expires else None
        self.empty_bytes = EMPTY_BYTES + (self._gate.most_bytes if self._gate else 0)
        self.most_rows = eviction.most_rows(config, self.store.row_bytes, self.empty_bytes)
        self._dated = dated or self.most_rows is not None
        self._looked_at = 0  # up to this sub-table

    @property
    def admits_all(self) -> bool:
        return self._gate is None

    @property
    def memory_bytes(self) -> int:
        """Of rows, index and filter."""
        return self.store.memory_bytes + self.filter_bytes

    @property
    def filter_bytes(self) -> int:
        return self._gate.memory_bytes if self._gate else 0

    def filter_state(self) -> State:
        return self._gate.state() if self._gate else {}

    def on_sight(self, fids: Fids) -> int:
        """Create rows for those of these, who have none, that need not have occurred; returns how many."""
        if self._gate:
            fids = fids[self._gate.on_sight(fids)]
        return self.store.find_or_create(given(fids))[2]

    def admits(self, step: Step) -> Flags:
        """Which fids of a step have a row or deserve one; each occurrence counts once."""
        if self._gate is None:
            return np.ones(len(step.fids), np.bool_)
        kept = self.store.index.find(step.fids) >= 0
        unknown = np.flatnonzero(~kept)
        counts = None if step.counts is None else step.counts[unknown]
        kept[unknown] = self._gate.admits(step.fids[unknown], counts, step.step)
        self._tally.filtered(step.fids[~kept])
        return kept

    def compile(self, step: Step) -> None:
        """Use what only some tables have, on a step of nobody."""
        self.store.initialise(np.empty(0, np.int64), step.fids)
        if self._gate:
            self._gate.admits(step.fids, None, 0)

    def evict(self, fids: Fids) -> int:
        """Forget these, each once; returns how many there were."""
        return self._forget(fids[self.store.index.find(fids) >= 0])

    def expire(self, span: tuple[int, int], now: int) -> int:
        """Forget those of a slice that were not updated for as long as they live; returns how many."""
        if self._lifetimes is None:
            return 0
        return self._forget(eviction.overdue(self.store, span, self._lifetimes, now))

    def retire(self, span: tuple[int, int], count: int, rows: int) -> tuple[int, int]:
        """Forget the least recently updated of a slice, its part of `count` rows of the `rows` from it on.

        Returns how many it had, and how many left.
        """
        held, leaving = eviction.part(self.store, span, count, rows)
        return held, self._forget(leaving)

    def sample(self) -> eviction.Sample:
        """Of the rows; who shares the table may ask."""
        return eviction.sample(self.store)

    def keep_room(self) -> None:
        """Forget the least recently updated rows beyond what the table may hold.

        Of a few slices, other ones each time: to look at all whenever some come would take too long.
        """
        while self.most_rows is not None and (excess := len(self.store) - self.most_rows) > 0:
            span = eviction.stretch(excess, len(self.store), self._looked_at)
            self._looked_at = span[1] % SUBTABLES
            self.retire(span, excess, 0)  # all from there

    def keeping(self, rows: TableRows) -> TableRows:
        """What the table may hold of `rows`, for one without any: all but the least recently updated."""
        excess = 0 if self.most_rows is None else len(rows) - self.most_rows
        if excess <= 0:
            return rows
        gone = eviction.oldest(rows.fids, rows.known_times, excess)
        self._tally.evicted(rows.fids[gone])
        return rows.at(np.flatnonzero(but(gone, len(rows))))

    def skip_zeros(self, fids: Fids) -> None:
        """Forget those of `fids` whose values are nothing but zeros; nobody looks at their state."""
        values = np.empty((len(fids), self.store.dim), np.float32)
        self.store.read(fids, values)
        zeros = given(np.unique(fids[~values.any(axis=1)]))
        self.store.forget(zeros[self.store.index.find(zeros) >= 0])

    def updated_at(self, times: Times | None, step: int, count: int) -> Times:
        """When each of `count` rows is updated, of whom somebody tells `times`, or 0 where nobody knows.

        If some may have to leave, those are updated at the latest time that a row has; as long as nobody
        tells any, that is a `step`. Many threads may ask at once.
        """
        latest = self.store.times.latest
        if times is not None:
            self.store.times.tell(times)
        if self._dated:
            known = np.zeros(count, np.uint32) if times is None else times
            times = np.where(known > 0, known, np.uint32(min(max(step, latest), LAST_SECOND)))
        return given(times) if times is not None and times.any() else UNTIMED

    def _forget(self, fids: Fids) -> int:
        """These fids lose their rows."""
        self._tally.evicted(fids)
        return self.store.forget(fids)
