"""Rows on their way in or out of a table: the one shape that table, checkpoint and server share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Rows


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
