"""Optimizers whose step is the gradient itself, or what is told instead of a gradient.

In each kernel here and beside this file, w is a weight, g its gradient, `rate` the learning rate of this
step, and the state lies where `layout.py` says. A row that occurs twice is updated twice, in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.table.compiling import fetch_ahead, kernel

if TYPE_CHECKING:
    from monolith.core.arrays import Indices, Rows
    from monolith.table.layout import Place

F32 = np.float32
DIGIT = 24  # bits of a whole number that float32 holds exactly


@kernel
def sgd(
    rows: Rows, numbers: Indices, grads: Rows, place: Place, rate: np.float32, _settings: tuple[()]
) -> None:
    """Gradient descent: w -= rate · g."""
    value, _state, dim = place
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r = np.uint64(numbers[i])
        for j in range(dim):
            w = value + j
            rows[r, w] -= rate * grads[i, w]


@kernel
def momentum(
    rows: Rows,
    numbers: Indices,
    grads: Rows,
    place: Place,
    rate: np.float32,
    settings: tuple[np.float32, np.float32, bool],
) -> None:
    """Momentum (Polyak 1964): n' = μ · n - rate · g'; w += n', where g' = g + decay · w.

    With Nesterov's momentum (Sutskever and others 2013): w += (1+μ) · n' - μ · n.
    """
    mu, decay, nesterov = settings
    value, state, dim = place
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r = np.uint64(numbers[i])
        for j in range(dim):
            w, n = value + j, state + j
            before = rows[r, n]
            rows[r, n] = mu * before - rate * (grads[i, w] + decay * rows[r, w])
            rows[r, w] += rows[r, n] + mu * (rows[r, n] - before) if nesterov else rows[r, n]


@kernel
def moving_average(
    rows: Rows, numbers: Indices, grads: Rows, place: Place, _rate: np.float32, settings: tuple[np.float32]
) -> None:
    """Exponential moving average: w = μ · w + (1-μ) · g. There is no learning rate."""
    mu = settings[0]
    value, _state, dim = place
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r = np.uint64(numbers[i])
        for j in range(dim):
            w = value + j
            rows[r, w] = mu * rows[r, w] + (F32(1) - mu) * grads[i, w]


@kernel
def batch_softmax(
    rows: Rows, numbers: Indices, _grads: Rows, place: Place, rate: np.float32, settings: tuple[np.int64]
) -> None:
    """Streaming frequency estimation (Yi and others 2019): w = (1-rate) · w + rate · (step - A); A = step.

    The gradient is ignored. A row's A is the last step it was seen at, in two digits of 24 bits each.
    """
    step = settings[0]
    value, state, dim = place
    high, low = state, state + np.uint64(1)
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r = np.uint64(numbers[i])
        last = (np.int64(rows[r, high]) << DIGIT) + np.int64(rows[r, low])
        for j in range(dim):
            w = value + j
            rows[r, w] = (F32(1) - rate) * rows[r, w] + rate * F32(step - last)
        rows[r, high], rows[r, low] = F32(step >> DIGIT), F32(step & ((1 << DIGIT) - 1))
