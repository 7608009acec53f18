"""The embedding table: an id's own row, whatever the id, until it is evicted.

One lock a table: calls on one table take turns, calls on different tables run side by side, since the
kernels underneath release the interpreter lock. Arrays that a table gives out are the caller's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monolith.core.arrays import Fids, Flags, Rows
    from monolith.table.config import TableConfig
    from monolith.table.rows import TableRows


class Table:
    """Rows of `dim` float32 values by int64 fid, each with its optimizers' state. Safe from many threads.

    No two fids share a row, and every int64 is a fid. How an unseen row starts is decided by
    (`seed`, fid, column) alone, never by who came first.
    """

    def __init__(self, config: TableConfig, *, seed: int = 0) -> None:
        self.config = config
        self.dim = config.dim
        self.slot_dim = 0

    def __len__(self) -> int:
        raise NotImplementedError

    @property
    def memory_bytes(self) -> int:
        """Bytes of rows and index in use."""
        raise NotImplementedError

    def find(self, fids: Fids) -> tuple[Rows, Flags]:
        """Read without inserting: rows (n, dim), zeros where unknown, and which are known (n,)."""
        raise NotImplementedError

    def find_or_insert(self, fids: Fids) -> tuple[Rows, Flags]:
        """Read, creating what is unknown: rows (n, dim), and which existed before the call (n,)."""
        raise NotImplementedError

    def assign(self, fids: Fids, rows: Rows) -> int:
        """Set the values of rows (n, dim); optimizer state stays, or starts. Returns rows created.

        Raises:
            DimensionMismatch: `rows` is not n * dim values.
        """
        raise NotImplementedError

    def apply(self, fids: Fids, grads: Rows, learning_rates: Sequence[float] = (), step: int = 0) -> int:
        """Take one optimizer step for each of `fids` with `grads` (n, dim). Returns rows created.

        Unknown ids are initialised first; an id that occurs twice takes two steps, in order.

        Raises:
            DimensionMismatch: `grads` is not n * dim values, or there are neither 0, 1 nor one rate a segment.
        """
        raise NotImplementedError

    def evict(self, fids: Fids) -> int:
        """Forget these ids; returns how many were known."""
        raise NotImplementedError

    def export(self) -> TableRows:
        """Every row, sorted by fid: a copy, taken at one moment."""
        raise NotImplementedError

    def restore(self, rows: TableRows) -> None:
        """Become exactly `rows`.

        Raises:
            DimensionMismatch: `rows` are not of this table's dim and slot_dim; the table is unchanged.
        """
        raise NotImplementedError

    def clear(self) -> None:
        """Forget every row and give the memory back."""
        raise NotImplementedError
