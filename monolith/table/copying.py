"""Whole rows by number: into the arena, where they come from files, and out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.table.compiling import kernel
from monolith.table.memory import copy, fetch_ahead

if TYPE_CHECKING:
    from monolith.core.arrays import Indices, Rows


@kernel
def gather(rows: Rows, numbers: Indices, start: np.uint64, out: Rows) -> None:
    """out[i] = columns of row `numbers[i]` from `start` on, as many as `out` has."""
    dim = np.uint64(out.shape[1])
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, start, start + dim)
        copy(out, i, rows, numbers[i], start)


@kernel
def scatter(rows: Rows, numbers: Indices, start: np.uint64, values: Rows) -> None:
    """Columns of row `numbers[i]` from `start` on = values[i]; of equal numbers the last one stays."""
    dim = np.uint64(values.shape[1])
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, start, start + dim)
        for j in range(dim):
            rows[np.uint64(numbers[i]), start + j] = values[i, j]
