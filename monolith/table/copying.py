"""Rows out of the arena, and back in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.table.compiling import copy, fetch_ahead, kernel

if TYPE_CHECKING:
    from monolith.core.arrays import Indices, Rows


@kernel
def gather(rows: Rows, numbers: Indices, start: np.uint64, out: Rows) -> None:
    """out[i] = columns of row `numbers[i]` from `start` on, as many as `out` has; zeros where that is -1."""
    dim = np.uint64(out.shape[1])
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, start, start + dim)
        if numbers[i] < 0:
            for j in range(dim):
                out[i, j] = 0
        else:
            copy(out, i, rows, numbers[i], start)


@kernel
def scatter(rows: Rows, numbers: Indices, start: np.uint64, values: Rows) -> None:
    """Columns of row `numbers[i]` from `start` on = values[i]; of equal numbers the last one stays."""
    dim = np.uint64(values.shape[1])
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, start, start + dim)
        for j in range(dim):
            rows[np.uint64(numbers[i]), start + j] = values[i, j]


def set_values(rows: Rows, numbers: Indices, values: Rows) -> None:
    """`scatter` into the first columns."""
    scatter(rows, numbers, np.uint64(0), values)


@kernel
def add(rows: Rows, numbers: Indices, values: Rows) -> None:
    """Row `numbers[i]` += values[i], from its first column on, one after the other."""
    dim = np.uint64(values.shape[1])
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, dim)
        for j in range(dim):
            rows[np.uint64(numbers[i]), j] += values[i, j]
