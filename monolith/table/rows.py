"""Rows on their way in or out of a table: the one shape that table, checkpoint and server share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Indices, Rows

Counts: TypeAlias = NDArray[np.int64]  # (n,), how often each id occurred
Times: TypeAlias = NDArray[np.uint32]  # (n,) seconds since 1970, by event time; 0 where that is not known


@dataclass(frozen=True, slots=True)
class TableRows:
    """n rows, sorted by fid where a table gives them out.

    `values` are the weights, `slots` the optimizers' state in the table's own layout
    (segment by segment, state by state).
    """

    fids: Fids  # (n,)
    values: Rows  # (n, dim)
    slots: Rows  # (n, slot_dim); slot_dim may be 0
    times: Times | None = None  # of the last update; None: nobody knows
    told: int | None = None  # how late it was, 0 if `times` are steps; None: as late as the latest of them

    def __len__(self) -> int:
        return len(self.fids)

    def at(self, places: Indices | slice) -> TableRows:
        """Those of the rows, in this order."""
        fids, values, slots = self.fids[places], self.values[places], self.slots[places]
        times = None if self.times is None else self.times[places]
        return replace(self, fids=fids, values=values, slots=slots, times=times)

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
            max(part.latest_told for part in parts),
        )

    @property
    def known_times(self) -> Times:
        """`times`, all 0 where there are none."""
        return np.zeros(len(self), np.uint32) if self.times is None else self.times

    @property
    def latest_told(self) -> int:
        """The latest time that is known; 0 if none is, or `times` are steps."""
        return int(self.known_times.max(initial=0)) if self.told is None else self.told
