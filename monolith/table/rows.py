"""Rows on their way in or out of a table: the one shape that table, checkpoint and server share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Indices, Rows


@dataclass(frozen=True, slots=True)
class TableRows:
    """n rows, sorted by fid where a table gives them out.

    `values` are the weights, `slots` the optimizers' state in the table's own layout
    (segment by segment, state by state).
    """

    fids: Fids  # (n,)
    values: Rows  # (n, dim)
    slots: Rows  # (n, slot_dim); slot_dim may be 0
    times: NDArray[np.uint32] | None = None  # (n,), see `Step.times`; None: nobody knows

    def __len__(self) -> int:
        return len(self.fids)

    def at(self, places: Indices) -> TableRows:
        """Those of the rows, in this order."""
        times = None if self.times is None else self.times[places]
        return TableRows(self.fids[places], self.values[places], self.slots[places], times)

    @staticmethod
    def joined(parts: Sequence[TableRows]) -> TableRows:
        """Rows of one table, one part after the other; at least one."""
        if len(parts) == 1:
            return parts[0]
        timed = any(part.times is not None for part in parts)
        return TableRows(
            np.concatenate([part.fids for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.slots for part in parts]),
            np.concatenate([part.known_times for part in parts]) if timed else None,
        )

    @property
    def known_times(self) -> NDArray[np.uint32]:
        """`times`, all 0 where there are none."""
        return np.zeros(len(self), np.uint32) if self.times is None else self.times
