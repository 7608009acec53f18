"""Optimizers whose step is the gradient itself, or what is told instead of a gradient.

In each formula here and beside this file, w is a row's weights, s its state as `layout.py` orders it, g the
gradient, and the learning rate is told first. A row that occurs twice is updated twice, in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.table.compiling import Formula

if TYPE_CHECKING:
    from monolith.table.compiling import Bits, Floats, Numbers, Size

F32 = np.float32
DIGIT = 24  # bits of a whole number that float32 holds exactly


@Formula
def sgd(w: Floats, _s: Floats, g: Floats, dim: Size, told: Numbers, _draw: Bits) -> None:
    """Gradient descent: w -= rate · g."""
    rate = F32(told[0])
    for j in range(dim):
        w[j] -= rate * g[j]


@Formula
def momentum(w: Floats, s: Floats, g: Floats, dim: Size, told: Numbers, _draw: Bits) -> None:
    """Momentum (Polyak 1964): n' = μ · n - rate · g'; w += n', where g' = g + decay · w.

    With Nesterov's momentum (Sutskever and others 2013): w += (1+μ) · n' - μ · n.
    """
    rate, mu, decay, nesterov = F32(told[0]), F32(told[1]), F32(told[2]), told[3] != 0
    for j in range(dim):
        before = s[j]
        now = mu * before - rate * (g[j] + decay * w[j])
        s[j] = now
        w[j] += now + mu * (now - before) if nesterov else now


@Formula
def moving_average(w: Floats, _s: Floats, g: Floats, dim: Size, told: Numbers, _draw: Bits) -> None:
    """Exponential moving average: w = μ · w + (1-μ) · g. There is no learning rate."""
    mu = F32(told[1])
    for j in range(dim):
        w[j] = mu * w[j] + (F32(1) - mu) * g[j]


@Formula
def batch_softmax(w: Floats, s: Floats, _g: Floats, dim: Size, told: Numbers, _draw: Bits) -> None:
    """Streaming frequency estimation (Yi and others 2019): w = (1-rate) · w + rate · (step - A); A = step.

    The gradient is ignored. A row's A is the last step it was seen at, in two digits of 24 bits each.
    """
    rate, step = F32(told[0]), np.int64(told[1])
    last = (np.int64(s[0]) << DIGIT) + np.int64(s[1])
    for j in range(dim):
        w[j] = (F32(1) - rate) * w[j] + rate * F32(step - last)
    s[0], s[1] = F32(step >> DIGIT), F32(step & ((1 << DIGIT) - 1))
