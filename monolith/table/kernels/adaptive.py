"""Optimizers whose step is divided by the root of squared gradients; `descent.py` explains the letters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monolith.table.compiling import Formula

if TYPE_CHECKING:
    from monolith.table.compiling import Bits, Floats, Numbers, Size

F32 = np.float32
LEAST = F32(2.0**-126)  # too little to change a sum of squares, unless that is 0, which would divide


@Formula
def adagrad(w: Floats, n: Floats, g: Floats, dim: Size, told: Numbers, _draw: Bits) -> None:
    """Adagrad (Duchi, Hazan, Singer 2011): n += g'²; w -= rate · g' / √n, where g' = g + decay · w.

    Upstream's vectorised path takes g instead of g' in the second formula, for blocks of eight values. Where
    n is 0, so far, w stays; upstream divides by it.
    """
    rate, decay = F32(told[0]), F32(told[1])
    for j in range(dim):
        decayed = g[j] + decay * w[j]
        n[j] += decayed * decayed
        w[j] -= rate * decayed / math.sqrt(n[j] + LEAST)


@Formula
def dynamic_wd_adagrad(w: Floats, n: Floats, g: Floats, dim: Size, told: Numbers, _draw: Bits) -> None:
    """Adagrad with weight decay apart (Loshchilov, Hutter 2019): n += g²; w -= rate · (g / √n + decay · w).

    Where the decay is not decoupled it is Adagrad's. Upstream has the formula but refuses the optimizer.
    """
    rate, decay, decoupled = F32(told[0]), F32(told[1]), told[2] != 0
    coupled, apart = (F32(0), decay) if decoupled else (decay, F32(0))
    for j in range(dim):
        decayed = g[j] + coupled * w[j]
        n[j] += decayed * decayed
        w[j] -= rate * (decayed / math.sqrt(n[j] + LEAST) + apart * w[j])


@Formula
def adadelta(w: Floats, s: Floats, g: Floats, dim: Size, told: Numbers, _draw: Bits) -> None:
    """Adadelta (Zeiler 2012): a += (1-ρ)(g'²-a); u = g' · √(d+ε) / √(a+ε); w -= rate · u; d += (1-ρ)(u²-d).

    g' = g + decay · w.
    """
    rate, rho, epsilon, decay = F32(told[0]), F32(told[1]), F32(told[2]), F32(told[3])
    new = F32(1) - rho
    for j in range(dim):
        a, d = j, dim + j
        decayed = g[j] + decay * w[j]
        s[a] += new * (decayed * decayed - s[a])
        u = decayed * math.sqrt((s[d] + epsilon) / (s[a] + epsilon))
        w[j] -= rate * u
        s[d] += new * (u * u - s[d])


@Formula
def rmsprop(w: Floats, n: Floats, g: Floats, dim: Size, told: Numbers, _draw: Bits) -> None:
    """RMSprop (Tieleman, Hinton 2012): n += (1-μ)(g'²-n); w -= rate · g' / (√n + 1).

    g' = g + decay · w. Upstream takes the rate of its configuration here, whatever rate is given.
    """
    rate, mu, decay = F32(told[0]), F32(told[1]), F32(told[2])
    for j in range(dim):
        decayed = g[j] + decay * w[j]
        n[j] += (F32(1) - mu) * (decayed * decayed - n[j])
        w[j] -= rate * decayed / (math.sqrt(n[j]) + F32(1))


@Formula
def rmsprop_v2(w: Floats, n: Floats, g: Floats, dim: Size, told: Numbers, _draw: Bits) -> None:
    """RMSprop as upstream varies it: n = μ · n + g'²; w -= rate · g' / (√n + 1), where g' = g + decay · w."""
    rate, mu, decay = F32(told[0]), F32(told[1]), F32(told[2])
    for j in range(dim):
        decayed = g[j] + decay * w[j]
        n[j] = mu * n[j] + decayed * decayed
        w[j] -= rate * decayed / (math.sqrt(n[j]) + F32(1))
