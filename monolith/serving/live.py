"""A table that is served, and may be written to meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from monolith.checkpoint.table_json import table_from_json
from monolith.config.bad_gradients import BadGradients
from monolith.core.arrays import Fids, Flags, Rows
from monolith.serving.compressed import compress, decompress
from monolith.serving.manifest import ServedTable
from monolith.serving.quantise import quantise, restore
from monolith.table.config import Segment, Sgd, TableConfig, Zeros
from monolith.table.rows import TableRows, Times
from monolith.table.table import Table

Choice: TypeAlias = Callable[[Fids, Times], Flags]  # which rows, by fid (n,) and stamp (n,)


class LiveTable:
    """The rows of one table, as an export of the same values would serve them; at first `rows`, as served.

    Each row that is put in keeps its stamp, a number that grows with time; those that came with the export
    have 0. Safe from many threads: a row is read as it was at one moment.
    """

    def __init__(self, about: ServedTable, rows: TableRows) -> None:
        self.about = about
        self._table = table = Table(_plain(about.dim), bad_gradients=BadGradients.SKIP)
        self._config = None if about.config is None else table_from_json(dict(about.config))
        self.find, self.pieces = table.find, table.pieces
        table.restore(rows)

    def __len__(self) -> int:
        return len(self._table)

    def put(self, fids: Fids, values: Rows, stamp: int | Times) -> int:
        """Set rows to full-precision `values` (n, dim); returns how many left, for zeros may be skipped.

        A row with a value that is not finite stays as it was.
        """
        if not self.about.skip_zeros:
            self._assign(fids, self._served(values), stamp)
            return 0
        kept = values.any(axis=1)
        stamps = np.broadcast_to(np.asarray(stamp, np.uint32), len(fids))
        self._assign(fids[kept], self._served(values[kept]), stamps[kept])
        return self.evict(fids[~kept])

    def evict(self, fids: Fids) -> int:
        """Forget rows; returns how many there were."""
        return self._table.evict(fids) if len(fids) else 0

    def evict_where(self, leaves: Choice) -> int:
        """Forget the rows that are chosen, some thousands at a time; returns how many those are."""
        return sum(self.evict(fids[leaves(fids, stamps)]) for fids, stamps in self._table.updated())

    def take_over(self, older: LiveTable, stays: Choice) -> None:
        """Put in the chosen rows of a table of the same dim, with their stamps."""
        for piece in older.pieces():
            chosen = np.flatnonzero(stays(piece.fids, piece.known_times))
            rows = piece.at(chosen)
            if self.rounds_like(older):  # rounding once more could change them
                self._assign(rows.fids, rows.values, rows.known_times)
            else:
                self.put(rows.fids, rows.values, rows.known_times)

    def rounds_like(self, other: LiveTable) -> bool:
        """Whether the same values are served of the same rows."""
        return self.about.rules == other.about.rules

    def warm_up(self) -> None:
        """Compile what a push needs, by doing it to no rows."""
        nobody = np.empty(0, np.int64)
        self.put(nobody, np.empty((0, self.about.dim), np.float32), 0)
        self._table.evict(nobody)
        next(self.pieces())
        next(self._table.updated())

    def _assign(self, fids: Fids, values: Rows, stamps: int | Times) -> None:
        self._table.assign(fids, values, times=stamps)

    def _served(self, values: Rows) -> Rows:
        """What an export keeps of full-precision values, and makes of it again."""
        if self._config is not None:
            return decompress(self._config, compress(self._config, values))
        return values if self.about.bits is None else restore(quantise(values, self.about.bits))


def _plain(dim: int) -> TableConfig:
    """Plain SGD keeps no state beside the values."""
    return TableConfig((Segment(dim, Zeros(), Sgd()),))
