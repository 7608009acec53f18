"""Whole rows by number, from files into the arena."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.table.compiling import kernel
from monolith.table.memory import fetch_ahead

if TYPE_CHECKING:
    from monolith.core.arrays import Indices, Rows


@kernel
def scatter(rows: Rows, numbers: Indices, start: np.uint64, values: Rows) -> None:
    """Columns of row `numbers[i]` from `start` on = values[i]; of equal numbers the last one stays."""
    dim = np.uint64(values.shape[1])
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, start, start + dim)
        for j in range(dim):
            rows[np.uint64(numbers[i]), start + j] = values[i, j]
