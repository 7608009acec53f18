"""Optimizers that drive weights to exactly 0, one or a row at a time; `descent.py` explains the letters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monolith.table.compiling import Formula, subroutine

if TYPE_CHECKING:
    from typing import Any

    from monolith.table.compiling import Bits, Floats, Numbers, Size

F32 = np.float32


@subroutine
def _lead(weight: Any, s: Any, at: Any, g: Any, rate: np.float32) -> Any:
    """The part that FTRL and its group form share: n' = n + g²; z += g - w · (√n' - √n) / rate; √n'."""
    n, z = at
    before = math.sqrt(s[n])
    s[n] += g * g
    root = math.sqrt(s[n])
    s[z] += g - weight * (root - before) / rate
    return root


@Formula
def ftrl(w: Floats, s: Floats, g: Floats, dim: Size, told: Numbers, _draw: Bits) -> None:
    """FTRL-Proximal (McMahan and others 2013): n' = n + g²; z += g - w · (√n' - √n) / rate.

    Then w = rate · (sign(z) · l1 - z) / (√n' + beta + l2 · rate), or 0 if |z| <= l1.
    The formula divides by the rate, so a rate of 0 changes nothing.
    Upstream's sign is 0 for positive z, which l1 therefore does not shrink.
    """
    rate, beta, l1, l2 = F32(told[0]), F32(told[1]), F32(told[2]), F32(told[3])
    if rate == F32(0):
        return
    for j in range(dim):
        z = dim + j
        root = _lead(w[j], s, (j, z), g[j], rate)
        shrunk = math.copysign(l1, s[z]) - s[z]
        w[j] = rate * shrunk / (root + beta + l2 * rate) if abs(s[z]) > l1 else F32(0)


@Formula
def group_ftrl(w: Floats, s: Floats, g: Floats, dim: Size, told: Numbers, _draw: Bits) -> None:
    """FTRL with group lasso (Ni and others 2019): n and z as in FTRL, but l1 against |z| of all values.

    w = rate · z · (l1/|z| - 1) / (√n' + beta + l2 · rate), or all 0 if |z| <= l1. A rate of 0 changes
    nothing. Upstream has the formula, with -l2 in its vectorised path, and refuses the optimizer.
    """
    rate, beta, l1, l2 = F32(told[0]), F32(told[1]), F32(told[2]), F32(told[3])
    if rate == F32(0):
        return
    squares = F32(0)
    for j in range(dim):
        z = dim + j
        _lead(w[j], s, (j, z), g[j], rate)
        squares += s[z] * s[z]
    length = math.sqrt(squares)
    kept = rate * (l1 / length - F32(1)) if length > l1 else F32(0)
    for j in range(dim):
        w[j] = kept * s[dim + j] / (math.sqrt(s[j]) + beta + l2 * rate) if kept else F32(0)


@Formula
def group_adagrad(w: Floats, s: Floats, g: Floats, dim: Size, told: Numbers, _draw: Bits) -> None:
    """Adagrad with group lasso (Yang and others 2010): S += max(g'²), one a row; rate' = rate / (beta + √S).

    With y = w - rate' · g', where g' = g + decay · w: w = y · (1 - rate' · l2 / |y|), or all 0 if
    |y| <= rate' · l2. That is upstream's formula times rate', which also holds where rate' is 0.
    """
    rate, beta, l2, decay = F32(told[0]), F32(told[1]), F32(told[2]), F32(told[3])
    largest, squares = F32(0), F32(0)
    for j in range(dim):
        decayed = g[j] + decay * w[j]
        largest = max(largest, decayed * decayed)
    s[0] += largest
    divisor = beta + math.sqrt(s[0])
    step = rate / divisor if divisor > F32(0) else F32(0)
    for j in range(dim):
        w[j] -= step * (g[j] + decay * w[j])
        squares += w[j] * w[j]
    length = math.sqrt(squares)
    kept = F32(1) - step * l2 / length if length > step * l2 else F32(0)
    for j in range(dim):
        w[j] *= kept
