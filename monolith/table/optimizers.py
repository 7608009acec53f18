"""How a row learns: one kernel an optimizer, which is its formula and a loop over rows.

In each, w is a weight, g its gradient, and the state lies where `layout.py` says. `rate` is the learning
rate of this step. A row that occurs twice is updated twice, in order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monolith.table.compiling import fetch_ahead, kernel
from monolith.table.config import Adagrad, Adam, Ftrl, Optimizer, Sgd

if TYPE_CHECKING:
    from monolith.core.arrays import Indices, Rows
    from monolith.table.layout import Place

F32 = np.float32


def update(
    optimizer: Optimizer, rows: Rows, numbers: Indices, grads: Rows, place: Place, rate: np.float32
) -> None:
    """Update one segment of rows `numbers` (n,) with its columns of `grads` (n, dim of the whole row)."""
    match optimizer:
        case Sgd():
            sgd(rows, numbers, grads, place, rate)
        case Adagrad(weight_decay_factor=decay):
            adagrad(rows, numbers, grads, place, rate, F32(decay))
        case Adam(beta1=b1, beta2=b2, epsilon=epsilon, weight_decay_factor=decay, use_nesterov=nesterov):
            adam(rows, numbers, grads, place, rate, (F32(b1), F32(b2), F32(epsilon), F32(decay), nesterov))
        case Ftrl(beta=beta, l1_regularization_strength=l1, l2_regularization_strength=l2):
            ftrl(rows, numbers, grads, place, rate, (F32(beta), F32(l1), F32(l2)))


@kernel
def sgd(rows: Rows, numbers: Indices, grads: Rows, place: Place, rate: np.float32) -> None:
    """Gradient descent: w -= rate · g."""
    value, _, dim = place
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r = np.uint64(numbers[i])
        for j in range(dim):
            w = value + j
            rows[r, w] -= rate * grads[i, w]


@kernel
def adagrad(
    rows: Rows, numbers: Indices, grads: Rows, place: Place, rate: np.float32, decay: np.float32
) -> None:
    """Adagrad (Duchi, Hazan, Singer 2011): n += g'²; w -= rate · g' / √n, where g' = g + decay · w.

    Upstream's vectorised path takes g instead of g' in the second formula, for blocks of eight values.
    """
    value, state, dim = place
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r = np.uint64(numbers[i])
        for j in range(dim):
            w, n = value + j, state + j
            g = grads[i, w] + decay * rows[r, w]
            rows[r, n] += g * g
            rows[r, w] -= rate * g / math.sqrt(rows[r, n])


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
        r = np.uint64(numbers[i])
        p1 = state + np.uint64(2) * dim
        p2 = p1 + np.uint64(1)
        corrected = F32(rate * math.sqrt(1.0 - rows[r, p2]) / (1.0 - rows[r, p1]))
        for j in range(dim):
            w, m, v = value + j, state + j, state + dim + j
            g = grads[i, w] + decay * rows[r, w]
            rows[r, m] += new1 * (g - rows[r, m])
            rows[r, v] += new2 * (g * g - rows[r, v])
            numerator = beta1 * rows[r, m] + new1 * g if nesterov else rows[r, m]
            rows[r, w] -= corrected * numerator / (math.sqrt(rows[r, v]) + epsilon)
        rows[r, p1] *= beta1
        rows[r, p2] *= beta2


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
            g, before = grads[i, w], math.sqrt(rows[r, n])
            rows[r, n] += g * g
            root = math.sqrt(rows[r, n])
            rows[r, z] += g - rows[r, w] * (root - before) / rate
            shrunk = math.copysign(l1, rows[r, z]) - rows[r, z]
            kept = abs(rows[r, z]) > l1
            rows[r, w] = rate * shrunk / (root + beta + l2 * rate) if kept else F32(0)
