"""What a wrapper does before an optimizer's step, to the gradients, or after it, to the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.table.compiling import fetch_ahead, kernel
from monolith.table.drawing import begin, bits_at, salt, unit

if TYPE_CHECKING:
    from monolith.core.arrays import Fids, Indices, Rows
    from monolith.table.layout import Place

HALF_MAX = np.float32(65504)


@kernel
def compensate(
    rows: Rows, numbers: Indices, grads: Rows, place: Place, latest: Rows, settings: tuple[np.float32, Rows]
) -> None:
    """Delay compensation (Zheng and others 2017): g' = g + λ · g² · (w - latest).

    Here latest is the value that g was computed with. A row that occurs twice has the same w both times: the
    one before this call.
    """
    lambda_, out = settings
    value, _state, dim = place
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r = np.uint64(numbers[i])
        for j in range(dim):
            w = value + j
            g = grads[i, w]
            out[i, w] = g + lambda_ * g * g * (rows[r, w] - latest[i, w])


@kernel
def round_to_half(
    rows: Rows, numbers: Indices, fids: Fids, place: Place, seed: np.uint64, step: np.uint64
) -> None:
    """Stochastic rounding (Gupta and others 2015): the half below or above, the nearer the likelier.

    The draw belongs to (seed, step, fid, column). What is beyond the largest half becomes the largest.
    A row that occurs twice is rounded once, after its last step; upstream draws from one generator a thread.
    """
    value, _state, dim = place
    salted = salt(salt(seed) + step)
    for i in range(len(numbers)):
        fetch_ahead(rows, numbers, i, 0, rows.shape[1])
        r, start = np.uint64(numbers[i]), begin(salted, fids[i])
        for j in range(value, value + dim):
            w = min(max(rows[r, j], -HALF_MAX), HALF_MAX)
            exponent = np.float32(w).view(np.uint32) & np.uint32(0x7F800000)
            power = np.uint32(exponent).view(np.float32)
            between = max(power * np.float32(2.0**-10), np.float32(2.0**-24))
            below = np.floor(w / between)
            rows[r, j] = (below + (unit(bits_at(start, j)) < w / between - below)) * between
