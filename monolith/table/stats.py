"""What a table can tell of itself: how full its index is, and what was asked of it, slot by slot."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monolith.core.fids import MAX_SLOT, VALUE_BITS, slot_of
from monolith.table.compiling import kernel, subroutine
from monolith.table.memory import AHEAD, prefetch

if TYPE_CHECKING:
    from monolith.core.arrays import Fids, Flags, Indices
    from monolith.table.index import Survey

SLOTS = MAX_SLOT + 1
EVERY = 8  # ids asked for are counted by slot: counting each would cost 3 of a lookup's 60 ns


@dataclass(frozen=True, slots=True)
class Usage:
    """Rows that are there, and what happened to them since the table was made.

    Of a slot, only every eighth id that the table was asked for is counted in `asked` and `hits`.
    """

    rows: int = 0
    asked: int = 0  # ids that were looked up
    hits: int = 0  # of these, ids that had a row
    evicted: int = 0
    filtered: int = 0  # gradients dropped, of ids that had not occurred often enough for a row
    not_finite: int = 0  # gradients skipped or clipped, as they were NaN or infinite

    @property
    def hit_rate(self) -> float:
        """Share of the ids asked for that had a row; 0 if nothing was asked."""
        return self.hits / self.asked if self.asked else 0.0


@dataclass(frozen=True, slots=True)
class TableReport:
    """A table, in numbers."""

    usage: Usage
    memory_bytes: int
    filter_bytes: int  # of these, what remembers ids without a row
    row_bytes: int  # of one row with its optimizers' state, without its place in the index
    most_rows: int  # that its budgets allow; 0: they set no limit
    load: float  # share of the index's cells that are taken
    probe_mean: float  # cache lines looked at to find a fid that is there
    probe_max: int
    slots: dict[int, Usage]  # of the slots that have or had rows or were asked for


class Tally:
    """Counts of what happens to ids. Safe from many threads."""

    def __init__(self) -> None:
        self._counting = threading.Lock()
        self._asked = self._hits = 0
        self._looked_up = np.zeros((SLOTS, 2), np.int64)  # asked and hits, of ids that were sampled
        self._lost = np.zeros((SLOTS, 3), np.int64)  # evicted, filtered, not_finite

    def looked_up(self, fids: Fids, found: Flags, hits: int) -> None:
        """`hits` of `fids` were `found`."""
        with self._counting:
            _tally(fids, found, -self._asked % EVERY, self._looked_up)
            self._asked += len(fids)
            self._hits += hits

    def evicted(self, fids: Fids) -> None:
        """Each of `fids` had a row, and lost it."""
        self._add(0, fids)

    def filtered(self, fids: Fids) -> None:
        """Each of `fids` had no row, and got none."""
        self._add(1, fids)

    def not_finite(self, fids: Fids) -> None:
        """Each of `fids` came with a gradient that was skipped or clipped."""
        self._add(2, fids)

    def _add(self, what: int, fids: Fids) -> None:
        if len(fids):
            with self._counting:
                self._lost[:, what] += np.bincount(slot_of(fids), minlength=SLOTS)

    def usage(self, rows: Indices) -> tuple[Usage, dict[int, Usage]]:
        """All in all, and slot by slot; `rows` (SLOTS,) are how many there are."""
        with self._counting:
            counts = np.column_stack([rows, self._looked_up, self._lost])  # as in Usage
            asked, hits, lost = self._asked, self._hits, self._lost.sum(axis=0)
        slots = {int(s): Usage(*counts[s].tolist()) for s in np.flatnonzero(counts.any(axis=1))}
        return Usage(int(rows.sum()), asked, hits, *lost.tolist()), slots


def report(
    survey: Survey,
    tally: Tally,
    memory_bytes: int,
    *,
    filter_bytes: int,
    row_bytes: int,
    most_rows: int | None,
) -> TableReport:
    """Put together what the index and the tally know."""
    usage, slots = tally.usage(survey.rows_by_slot)
    return TableReport(
        usage=usage,
        memory_bytes=memory_bytes,
        filter_bytes=filter_bytes,
        row_bytes=row_bytes,
        most_rows=most_rows or 0,
        load=usage.rows / survey.cells,
        probe_mean=survey.probes / usage.rows if usage.rows else 0.0,
        probe_max=survey.longest,
        slots=slots,
    )


@kernel
def _tally(fids: Fids, found: Flags, start: int, counts: Indices) -> None:
    """Count every `EVERY`th fid from `start` on, and whether it was found, with its slot."""
    for i in range(start, len(fids), EVERY):
        prefetch(counts, _slot(fids[min(i + AHEAD * EVERY, len(fids) - 1)]), 0)  # there may be 2**15 slots
        slot = _slot(fids[i])
        counts[slot, 0] += 1
        counts[slot, 1] += found[i]


@subroutine
def _slot(fid: int) -> Any:
    return (np.uint64(fid) >> np.uint64(VALUE_BITS)) & np.uint64(MAX_SLOT)
