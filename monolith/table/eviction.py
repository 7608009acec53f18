"""Who leaves: rows that nobody has updated for long, or for longest.

Sub-tables are looked at some at a time. Which one a fid is in is as good as drawn by lot, so what is longest
ago in one such slice is, nearly, what is longest ago in the whole table; a table of one slice is exact.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from monolith.core.errors import ConfigError
from monolith.core.fids import slot_of
from monolith.table.index import EMPTY_BYTES, MOST_BYTES, SUBTABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monolith.core.arrays import Fids, Indices
    from monolith.table.config import TableConfig
    from monolith.table.rows import Times
    from monolith.table.store import Store

SLICE = 1 << 14  # rows, or those of one sub-table if it has more, that other calls wait for
SHARE = 8  # of a slice, at most one row in so many leaves for others at once
LOOKED_AT = 16  # rows for each that leaves as others come: it is of the oldest sixteenth of them
LEAST = 1 << 12  # rows to look at in any case
_TIME_BYTES = 4
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def slices(rows: int) -> list[tuple[int, int]]:
    """All sub-tables, cut into runs, as long as each other, that hold about SLICE of the `rows`."""
    count = min(max(-(-rows // SLICE), 1), SUBTABLES)
    bounds = [SUBTABLES * n // count for n in range(count + 1)]
    return list(pairwise(bounds))


def overdue(store: Store, span: tuple[int, int], lifetimes: Indices, now: int) -> Fids:
    """Fids of a slice that were not updated for as long as their slot's rows are kept.

    `lifetimes` (MAX_SLOT + 1,) are in seconds. A row that was updated later than `now` was updated now.
    """
    fids, numbers = store.index.within(*span)
    ages = np.maximum(now - store.times.of(numbers).astype(np.int64), 0)
    over: Fids = fids[ages >= lifetimes[slot_of(fids)]]
    return over


def stretch(count: int, rows: int, begin: int) -> tuple[int, int]:
    """Sub-tables from `begin` on, around and around, where to look for `count` old ones of `rows`."""
    length = -(-SUBTABLES * max(LEAST, LOOKED_AT * count) // rows) if rows > SLICE else SUBTABLES
    return begin, begin + min(length, SUBTABLES)


def part(store: Store, span: tuple[int, int], count: int, rows: int) -> tuple[int, Fids]:
    """How many rows a slice has, and the least recently updated: its part of `count` of about `rows`.

    Rounded up, but no more than may leave at once. If it has as many as `rows` itself, all are its part.
    """
    fids, numbers = store.index.within(*span)
    most, due = -(-len(fids) // SHARE), -(-count * len(fids) // max(rows, len(fids), 1))
    return len(fids), fids[oldest(fids, store.times.of(numbers), min(due, most, count))]


class Sample(NamedTuple):
    """When some rows, of a table that has so many, were last updated."""

    rows: int
    row_bytes: float  # that each takes, with its part of what the index has grown by
    times: Times  # of as many as are looked at


def sample(store: Store) -> Sample:
    """Of a slice of the rows."""
    _, numbers = store.index.within(*store.index.fullest(slices(len(store))))
    row_bytes = (store.memory_bytes - EMPTY_BYTES) / max(len(store), 1)
    return Sample(len(store), row_bytes, store.times.of(numbers))


def shares(samples: Sequence[Sample], excess: int) -> list[int]:
    """How many rows of each table must leave, so that the oldest of all do, and `excess` bytes are free.

    Of rows that are equally old the same share of each table.
    """
    times = np.concatenate([one.times for one in samples])
    worth = np.concatenate([np.full(len(s.times), s.rows * s.row_bytes / len(s.times)) for s in samples])
    order = np.argsort(times, kind="stable")
    last = min(int(worth[order].cumsum().searchsorted(excess)), len(times) - 1)
    cutoff = times[order[last]]
    missing, equal = excess - worth[times < cutoff].sum(), worth[times == cutoff].sum()
    part = min(missing / equal, 1.0)
    return [_share(one, cutoff, part) for one in samples]


def _share(one: Sample, cutoff: np.uint32, part: float) -> int:
    older, equal = (int(np.count_nonzero(which)) for which in (one.times < cutoff, one.times == cutoff))
    return math.ceil(one.rows * (older + part * equal) / len(one.times))


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


def most_rows(config: TableConfig, row_bytes: int, empty_bytes: int) -> int | None:
    """How many rows a table of `config` may hold; None if as many as there are.

    A budget in bytes is counted as if the index were at its emptiest, where a row costs most.

    Raises:
        ConfigError: the budget does not reach for one row.
    """
    limits = [config.max_rows] if config.max_rows else []
    if config.memory_budget_bytes:
        each = row_bytes + _TIME_BYTES + MOST_BYTES
        if config.memory_budget_bytes < empty_bytes + each:
            budget = f"memory_budget_bytes={config.memory_budget_bytes}"
            needed = f"{empty_bytes + each}: {empty_bytes} without any row, and {each} a row"
            raise ConfigError([f"TableConfig {budget}: must be >= {needed}"])
        limits.append((config.memory_budget_bytes - empty_bytes) // each)
    return min(limits, default=None)
