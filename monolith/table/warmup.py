"""Compile before the first request, so that no caller waits for a compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.table.config import Segment, Sgd, TableConfig, Zeros
from monolith.table.dedup import dedup, route
from monolith.table.index import SUBTABLES
from monolith.table.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monolith.core.progress import Progress

# How tables usually learn, and those that clients of the reference create by asking: for who does not know
# yet what will be asked. What other tables need is compiled as they are created.
USUAL = TableConfig((Segment(1), Segment(1, Zeros(), Sgd())))


def warm_up(configs: Iterable[TableConfig], progress: Progress) -> None:
    """Compile, or load from the cache on disk, every kernel that tables of `configs` use.

    Each kind of table lives a short life, long enough to grow: whatever it needs has then been compiled.
    """
    kinds = list(dict.fromkeys(configs))
    progress.begin("compile kernels", len(kinds) + 1, "table")
    _use_batches()
    progress.advance()
    for config in kinds:
        _use_table(Table(config))
        progress.advance()
    progress.end()


def _use_table(table: Table) -> None:
    fids = np.arange(2 * SUBTABLES)  # of which some sub-tables get more than they can hold at first
    rows, _ = table.find_or_insert(fids)
    table.assign(fids, rows)
    table.assign_add(fids, rows)
    table.apply(fids, rows)
    table.reinitialize(fids)
    table.restore(table.export())
    table.stats()
    table.evict(fids[::2])
    table.close_gaps()


def _use_batches() -> None:
    unique, _ = dedup(np.arange(2))
    route(unique, 2)
