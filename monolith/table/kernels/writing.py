"""What becomes of weights beside optimizers; `descent.py` explains the letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.table.compiling import Formula
from monolith.table.drawing import bits_at, unit

if TYPE_CHECKING:
    from monolith.table.compiling import Bits, Floats, Numbers, Size

HALF_MAX = np.float32(65504)


@Formula
def assign(w: Floats, _s: Floats, g: Floats, dim: Size, _told: Numbers, _draw: Bits) -> None:
    """Values are assigned: w = g."""
    for j in range(dim):
        w[j] = g[j]


@Formula
def add(w: Floats, _s: Floats, g: Floats, dim: Size, _told: Numbers, _draw: Bits) -> None:
    """Values are added: w += g."""
    for j in range(dim):
        w[j] += g[j]


@Formula
def round_to_half(w: Floats, _s: Floats, _g: Floats, dim: Size, told: Numbers, draw: Bits) -> None:
    """Stochastic rounding (Gupta and others 2015): the half below or above, the nearer the likelier.

    The draw belongs to (seed, step, fid, column), so a row that occurs twice is rounded alike both times.
    What is beyond the largest half becomes the largest. Upstream draws from one generator a thread.
    """
    first = np.uint64(told[1])  # the segment's first column in the row
    for j in range(dim):
        value = min(max(w[j], -HALF_MAX), HALF_MAX)
        exponent = np.float32(value).view(np.uint32) & np.uint32(0x7F800000)
        power = np.uint32(exponent).view(np.float32)
        between = max(power * np.float32(2.0**-10), np.float32(2.0**-24))
        below = np.floor(value / between)
        w[j] = (below + (unit(bits_at(draw, first + j)) < value / between - below)) * between
