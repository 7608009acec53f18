"""Optimizers that drive weights to exactly 0, one or a row at a time; `descent.py` explains the letters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monolith.table.compiling import fetch_ahead, kernel, subroutine

if TYPE_CHECKING:
    from typing import Any

    from monolith.core.arrays import Indices, Rows
    from monolith.table.layout import Place

F32 = np.float32


@subroutine
def _lead(rows: Rows, r: Any, at: Any, g: Any, rate: np.float32) -> Any:
    """The part that FTRL and its group form share: n' = n + g²; z += g - w · (√n' - √n) / rate; √n'."""
    w, n, z = at
    before = math.sqrt(rows[r, n])
    rows[r, n] += g * g
    root = math.sqrt(rows[r, n])
    rows[r, z] += g - rows[r, w] * (root - before) / rate
    return root


@kernel
def ftrl(
    rows: Rows,
    numbers: Indices,
    grads: Rows,
    place: Place,
    rate: np.float32,
    settings: tuple[np.float32, np.float32, np.float32],
) -> None:
    """FTRL-Proximal (McMahan and others 2013): n' = n + g²; z += g - w · (√n' - √n) / rate.

    Then w = rate · (sign(z) · l1 - z) / (√n' + beta + l2 · rate), or 0 if |z| <= l1.
    The formula divides by the rate, so a rate of 0 changes nothing.
    Upstream's sign is 0 for positive z, which l1 therefore does not shrink.
    """
    beta, l1, l2 = settings
    if rate == F32(0):
        return
    value, state, dim = place
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r = np.uint64(numbers[i])
        for j in range(dim):
            w, n, z = value + j, state + j, state + dim + j
            root = _lead(rows, r, (w, n, z), grads[i, w], rate)
            shrunk = math.copysign(l1, rows[r, z]) - rows[r, z]
            kept = abs(rows[r, z]) > l1
            rows[r, w] = rate * shrunk / (root + beta + l2 * rate) if kept else F32(0)


@kernel
def group_ftrl(
    rows: Rows,
    numbers: Indices,
    grads: Rows,
    place: Place,
    rate: np.float32,
    settings: tuple[np.float32, np.float32, np.float32],
) -> None:
    """FTRL with group lasso (Ni and others 2019): n and z as in FTRL, but l1 against |z| of all values.

    w = rate · z · (l1/|z| - 1) / (√n' + beta + l2 · rate), or all 0 if |z| <= l1. A rate of 0 changes
    nothing. Upstream has the formula, with -l2 in its vectorised path, and refuses the optimizer.
    """
    beta, l1, l2 = settings
    if rate == F32(0):
        return
    value, state, dim = place
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r, squares = np.uint64(numbers[i]), F32(0)
        for j in range(dim):
            w, n, z = value + j, state + j, state + dim + j
            _lead(rows, r, (w, n, z), grads[i, w], rate)
            squares += rows[r, z] * rows[r, z]
        length = math.sqrt(squares)
        kept = rate * (l1 / length - F32(1)) if length > l1 else F32(0)
        for j in range(dim):
            w, n, z = value + j, state + j, state + dim + j
            rows[r, w] = kept * rows[r, z] / (math.sqrt(rows[r, n]) + beta + l2 * rate) if kept else F32(0)


@kernel
def group_adagrad(
    rows: Rows,
    numbers: Indices,
    grads: Rows,
    place: Place,
    rate: np.float32,
    settings: tuple[np.float32, np.float32, np.float32],
) -> None:
    """Adagrad with group lasso (Yang and others 2010): S += max(g'²), one a row; rate' = rate / (beta + √S).

    With y = w - rate' · g', where g' = g + decay · w: w = y · (1 - rate' · l2 / |y|), or all 0 if
    |y| <= rate' · l2. That is upstream's formula times rate', which also holds where rate' is 0.
    """
    beta, l2, decay = settings
    value, state, dim = place
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r, largest, squares = np.uint64(numbers[i]), F32(0), F32(0)
        for j in range(dim):
            w = value + j
            g = grads[i, w] + decay * rows[r, w]
            largest = max(largest, g * g)
        rows[r, state] += largest
        divisor = beta + math.sqrt(rows[r, state])
        step = rate / divisor if divisor > F32(0) else F32(0)
        for j in range(dim):
            w = value + j
            rows[r, w] -= step * (grads[i, w] + decay * rows[r, w])
            squares += rows[r, w] * rows[r, w]
        length = math.sqrt(squares)
        kept = F32(1) - step * l2 / length if length > step * l2 else F32(0)
        for j in range(dim):
            rows[r, value + j] *= kept
