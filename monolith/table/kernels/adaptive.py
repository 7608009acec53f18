"""Optimizers whose step is divided by the root of squared gradients; `descent.py` explains the letters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monolith.table.compiling import fetch_ahead, kernel

if TYPE_CHECKING:
    from monolith.core.arrays import Indices, Rows
    from monolith.table.layout import Place

F32 = np.float32


@kernel
def adagrad(
    rows: Rows,
    numbers: Indices,
    grads: Rows,
    place: Place,
    rate: np.float32,
    settings: tuple[np.float32],
) -> None:
    """Adagrad (Duchi, Hazan, Singer 2011): n += g'²; w -= rate · g' / √n, where g' = g + decay · w.

    Upstream's vectorised path takes g instead of g' in the second formula, for blocks of eight values.
    """
    decay = settings[0]
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
def dynamic_wd_adagrad(
    rows: Rows,
    numbers: Indices,
    grads: Rows,
    place: Place,
    rate: np.float32,
    settings: tuple[np.float32, bool],
) -> None:
    """Adagrad with weight decay apart (Loshchilov, Hutter 2019): n += g²; w -= rate · (g / √n + decay · w).

    Where the decay is not decoupled it is Adagrad's. Upstream has the formula but refuses the optimizer.
    """
    decay, decoupled = settings
    coupled, apart = (F32(0), decay) if decoupled else (decay, F32(0))
    value, state, dim = place
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r = np.uint64(numbers[i])
        for j in range(dim):
            w, n = value + j, state + j
            g = grads[i, w] + coupled * rows[r, w]
            rows[r, n] += g * g
            rows[r, w] -= rate * (g / math.sqrt(rows[r, n]) + apart * rows[r, w])


@kernel
def adadelta(
    rows: Rows,
    numbers: Indices,
    grads: Rows,
    place: Place,
    rate: np.float32,
    settings: tuple[np.float32, np.float32, np.float32],
) -> None:
    """Adadelta (Zeiler 2012): a += (1-ρ)(g'²-a); u = g' · √(d+ε) / √(a+ε); w -= rate · u; d += (1-ρ)(u²-d).

    g' = g + decay · w.
    """
    rho, epsilon, decay = settings
    new = F32(1) - rho
    value, state, dim = place
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r = np.uint64(numbers[i])
        for j in range(dim):
            w, a, d = value + j, state + j, state + dim + j
            g = grads[i, w] + decay * rows[r, w]
            rows[r, a] += new * (g * g - rows[r, a])
            u = g * math.sqrt((rows[r, d] + epsilon) / (rows[r, a] + epsilon))
            rows[r, w] -= rate * u
            rows[r, d] += new * (u * u - rows[r, d])


@kernel
def rmsprop(
    rows: Rows,
    numbers: Indices,
    grads: Rows,
    place: Place,
    rate: np.float32,
    settings: tuple[np.float32, np.float32],
) -> None:
    """RMSprop (Tieleman, Hinton 2012): n += (1-μ)(g'²-n); w -= rate · g' / (√n + 1).

    g' = g + decay · w. Upstream takes the rate of its configuration here, whatever rate is given.
    """
    mu, decay = settings
    value, state, dim = place
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r = np.uint64(numbers[i])
        for j in range(dim):
            w, n = value + j, state + j
            g = grads[i, w] + decay * rows[r, w]
            rows[r, n] += (F32(1) - mu) * (g * g - rows[r, n])
            rows[r, w] -= rate * g / (math.sqrt(rows[r, n]) + F32(1))


@kernel
def rmsprop_v2(
    rows: Rows,
    numbers: Indices,
    grads: Rows,
    place: Place,
    rate: np.float32,
    settings: tuple[np.float32, np.float32],
) -> None:
    """RMSprop as upstream varies it: n = μ · n + g'²; w -= rate · g' / (√n + 1), where g' = g + decay · w."""
    mu, decay = settings
    value, state, dim = place
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r = np.uint64(numbers[i])
        for j in range(dim):
            w, n = value + j, state + j
            g = grads[i, w] + decay * rows[r, w]
            rows[r, n] = mu * rows[r, n] + g * g
            rows[r, w] -= rate * g / (math.sqrt(rows[r, n]) + F32(1))
