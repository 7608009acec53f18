"""Rows in 8 or 16 bits: symmetric, with a scale for each row."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Floats, Rows

DTYPES: dict[int, type[np.signedinteger[Any]]] = {8: np.int8, 16: np.int16}


class Quantised(NamedTuple):
    """Integers and what to divide them by."""

    codes: NDArray[np.signedinteger[Any]]  # (n, dim)
    scale: Floats  # (n,)


def quantise(values: Rows, bits: int) -> Quantised:
    """Round each row (n, dim) to integers of `bits` bits.

    With qmax = 2**(bits - 1) - 1 a row's scale is qmax / max|v|, and a code is round(v * scale). A row that
    is zero, or so small that its scale would not be finite, becomes zeros.
    """
    qmax = 2 ** (bits - 1) - 1
    largest = np.abs(values).max(axis=1, initial=0.0)
    with np.errstate(divide="ignore", over="ignore"):
        scale = np.float32(qmax) / largest
    scale = np.where(np.isfinite(scale), scale, 1).astype(np.float32)
    codes = np.clip(np.rint(values * scale[:, None]), -qmax, qmax)
    return Quantised(codes.astype(DTYPES[bits]), scale)


def restore(stored: Quantised) -> Rows:
    """The (n, dim) values that the codes stand for."""
    return stored.codes.astype(np.float32) / stored.scale[:, None]


def error(values: Rows, served: Rows) -> tuple[float, float]:
    """The largest and the mean |exact - served| of all values."""
    if not values.size:
        return 0.0, 0.0
    off = np.abs(values - served)
    return float(off.max()), float(off.mean())
