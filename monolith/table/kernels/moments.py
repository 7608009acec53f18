"""Optimizers with a first and a second moment of the gradient; `descent.py` explains the letters."""

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
def _corrected(powers: Any, p1: Any, rate: np.float32) -> Any:
    """The rate that makes up for moments having started at 0: rate · √(1-p₂) / (1-p₁)."""
    return F32(rate * math.sqrt(1.0 - powers[p1 + np.uint64(1)]) / (1.0 - powers[p1]))


@subroutine
def _advance(powers: Any, p1: Any, beta1: np.float32, beta2: np.float32) -> None:
    """One step more in the row's powers of the betas."""
    powers[p1] *= beta1
    powers[p1 + np.uint64(1)] *= beta2


@Formula
def adam(w: Floats, s: Floats, g: Floats, dim: Size, told: Numbers, _draw: Bits) -> None:
    """Adam (Kingma, Ba 2015): m += (1-β₁)(g'-m); v += (1-β₂)(g'²-v); w -= rate' · m / (√v + ε).

    g' = g + decay · w, and rate' = rate · √(1-p₂) / (1-p₁) with the row's own powers p₁ = β₁ᵗ, p₂ = β₂ᵗ.
    With Nesterov's momentum the numerator is β₁ · m + (1-β₁) · g' (Dozat 2016).
    Upstream restores p₂ into p₁'s place; here every state comes back as it was.
    """
    beta1, beta2, epsilon, decay, nesterov = F32(told[1]), F32(told[2]), F32(told[3]), F32(told[4]), told[5]
    new1, new2, p1 = F32(1) - beta1, F32(1) - beta2, np.uint64(2) * dim
    corrected = _corrected(s, p1, F32(told[0]))
    for j in range(dim):
        m, v = j, dim + j
        decayed = g[j] + decay * w[j]
        s[m] += new1 * (decayed - s[m])
        s[v] += new2 * (decayed * decayed - s[v])
        numerator = beta1 * s[m] + new1 * decayed if nesterov != 0 else s[m]
        w[j] -= corrected * numerator / (math.sqrt(s[v]) + epsilon)
    _advance(s, p1, beta1, beta2)


@Formula
def amsgrad(w: Floats, s: Floats, g: Floats, dim: Size, told: Numbers, _draw: Bits) -> None:
    """AMSGrad (Reddi, Kale, Kumar 2018): as Adam, but w -= rate' · m / (√v̂ + ε), where v̂ = max(v̂, v)."""
    beta1, beta2, epsilon, decay, nesterov = F32(told[1]), F32(told[2]), F32(told[3]), F32(told[4]), told[5]
    new1, new2, p1 = F32(1) - beta1, F32(1) - beta2, np.uint64(3) * dim
    corrected = _corrected(s, p1, F32(told[0]))
    for j in range(dim):
        m, v, highest = j, dim + j, np.uint64(2) * dim + j
        decayed = g[j] + decay * w[j]
        s[m] += new1 * (decayed - s[m])
        s[v] += new2 * (decayed * decayed - s[v])
        s[highest] = max(s[highest], s[v])
        numerator = beta1 * s[m] + new1 * decayed if nesterov != 0 else s[m]
        w[j] -= corrected * numerator / (math.sqrt(s[highest]) + epsilon)
    _advance(s, p1, beta1, beta2)
