"""Who leaves: rows that nobody has updated for long, or for longest.

Sub-tables are looked at some at a time. Which one a fid is in is as good as drawn by lot, so what is longest
ago in one such slice is, nearly, what is longest ago in the whole table; a table of one slice is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.core.errors import ConfigError
from monolith.core.fids import slot_of
from monolith.table.index import EMPTY_BYTES, MOST_BYTES, SUBTABLES

if TYPE_CHECKING:
    from monolith.core.arrays import Fids, Indices
    from monolith.table.config import TableConfig
    from monolith.table.rows import Times
    from monolith.table.store import Store

SLICE = 1 << 14  # rows, or those of one sub-table if it has more, that other calls wait for
SHARE = 8  # of a slice, at most one row in so many leaves for others at once
_TIME_BYTES = 4
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def slices(rows: int) -> list[tuple[int, int]]:
    """All sub-tables, cut into runs that hold about SLICE of the `rows` each."""
    step = min(max(SLICE * SUBTABLES // max(rows, 1), 1), SUBTABLES)
    return [(start, min(start + step, SUBTABLES)) for start in range(0, SUBTABLES, step)]


def overdue(store: Store, span: tuple[int, int], lifetimes: Indices, now: int) -> tuple[Fids, Indices]:
    """Fids and row numbers, of a slice, that were not updated for as long as their slot's rows are kept.

    `lifetimes` (MAX_SLOT + 1,) are in seconds. A row that was updated later than `now` was updated now.
    """
    fids, numbers = store.index.within(*span)
    ages = np.maximum(now - store.times.of(numbers).astype(np.int64), 0)
    over = ages >= lifetimes[slot_of(fids)]
    return fids[over], numbers[over]


def surplus(store: Store, rows: int) -> tuple[Fids, Indices]:
    """Some of the least recently updated fids, and their row numbers, of those that exceed `rows`.

    They are of the slice that holds most. As long as there are too many rows, there are some.
    """
    excess = len(store) - rows
    if excess <= 0:
        nobody = np.empty(0, np.int64)
        return nobody, nobody
    spans = slices(len(store))
    fids, numbers = store.index.within(*store.index.fullest(spans))
    count = excess if len(spans) == 1 else min(excess, -(-len(fids) // SHARE))
    leaving = oldest(fids, store.times.of(numbers), count)
    return fids[leaving], numbers[leaving]


def oldest(fids: Fids, times: Times, count: int) -> Indices:
    """Positions of the `count` rows with the least times; of equal ones some, always the same."""
    if count >= len(fids):
        return np.arange(len(fids))
    latest = np.partition(times, count - 1)[count - 1]
    older, equal = np.flatnonzero(times < latest), np.flatnonzero(times == latest)
    return np.concatenate([older, equal[by_lot(fids[equal])[: count - len(older)]]])


def by_lot(fids: Fids) -> Indices:
    """An order (n,) of fids, always the same, and not their own, or the lowest slots would always lose."""
    return np.argsort(fids.view(np.uint64) * _SPREAD)


def most_rows(config: TableConfig, row_bytes: int, filter_bytes: int) -> int | None:
    """How many rows a table of `config` may hold; None if as many as there are.

    A budget in bytes is counted as if the index were at its emptiest, where a row costs most.

    Raises:
        ConfigError: the budget does not reach for one row.
    """
    limits = [config.max_rows] if config.max_rows else []
    if config.memory_budget_bytes:
        fixed, each = filter_bytes + EMPTY_BYTES, row_bytes + _TIME_BYTES + MOST_BYTES
        if config.memory_budget_bytes < fixed + each:
            budget = f"memory_budget_bytes={config.memory_budget_bytes}"
            needed = f"{fixed + each}: {fixed} without any row, and {each} a row"
            raise ConfigError([f"TableConfig {budget}: must be >= {needed}"])
        limits.append((config.memory_budget_bytes - fixed) // each)
    return min(limits, default=None)
