"""Optimizers with a first and a second moment of the gradient; `descent.py` explains the letters."""

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
def _corrected(rows: Rows, r: Any, p1: Any, rate: np.float32) -> Any:
    """The rate that makes up for moments having started at 0: rate · √(1-p₂) / (1-p₁)."""
    return F32(rate * math.sqrt(1.0 - rows[r, p1 + np.uint64(1)]) / (1.0 - rows[r, p1]))


@subroutine
def _advance(rows: Rows, r: Any, p1: Any, beta1: np.float32, beta2: np.float32) -> None:
    """One step more in the row's powers of the betas."""
    rows[r, p1] *= beta1
    rows[r, p1 + np.uint64(1)] *= beta2


@kernel
def adam(
    rows: Rows,
    numbers: Indices,
    grads: Rows,
    place: Place,
    rate: np.float32,
    settings: tuple[np.float32, np.float32, np.float32, np.float32, bool],
) -> None:
    """Adam (Kingma, Ba 2015): m += (1-β₁)(g'-m); v += (1-β₂)(g'²-v); w -= rate' · m / (√v + ε).

    g' = g + decay · w, and rate' = rate · √(1-p₂) / (1-p₁) with the row's own powers p₁ = β₁ᵗ, p₂ = β₂ᵗ.
    With Nesterov's momentum the numerator is β₁ · m + (1-β₁) · g' (Dozat 2016).
    Upstream restores p₂ into p₁'s place; here every state comes back as it was.
    """
    beta1, beta2, epsilon, decay, nesterov = settings
    new1, new2 = F32(1) - beta1, F32(1) - beta2
    value, state, dim = place
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r, p1 = np.uint64(numbers[i]), state + np.uint64(2) * dim
        corrected = _corrected(rows, r, p1, rate)
        for j in range(dim):
            w, m, v = value + j, state + j, state + dim + j
            g = grads[i, w] + decay * rows[r, w]
            rows[r, m] += new1 * (g - rows[r, m])
            rows[r, v] += new2 * (g * g - rows[r, v])
            numerator = beta1 * rows[r, m] + new1 * g if nesterov else rows[r, m]
            rows[r, w] -= corrected * numerator / (math.sqrt(rows[r, v]) + epsilon)
        _advance(rows, r, p1, beta1, beta2)


@kernel
def amsgrad(
    rows: Rows,
    numbers: Indices,
    grads: Rows,
    place: Place,
    rate: np.float32,
    settings: tuple[np.float32, np.float32, np.float32, np.float32, bool],
) -> None:
    """AMSGrad (Reddi, Kale, Kumar 2018): as Adam, but w -= rate' · m / (√v̂ + ε), where v̂ = max(v̂, v)."""
    beta1, beta2, epsilon, decay, nesterov = settings
    new1, new2 = F32(1) - beta1, F32(1) - beta2
    value, state, dim = place
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r, p1 = np.uint64(numbers[i]), state + np.uint64(3) * dim
        corrected = _corrected(rows, r, p1, rate)
        for j in range(dim):
            w, m, v = value + j, state + j, state + dim + j
            highest = v + dim
            g = grads[i, w] + decay * rows[r, w]
            rows[r, m] += new1 * (g - rows[r, m])
            rows[r, v] += new2 * (g * g - rows[r, v])
            rows[r, highest] = max(rows[r, highest], rows[r, v])
            numerator = beta1 * rows[r, m] + new1 * g if nesterov else rows[r, m]
            rows[r, w] -= corrected * numerator / (math.sqrt(rows[r, highest]) + epsilon)
        _advance(rows, r, p1, beta1, beta2)
