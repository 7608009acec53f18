"""Random numbers that depend on where they are used, never on who asked first.

SplitMix64 (Steele, Lea, Flood 2014), started at a hash of seed and fid and read at each column; draws that
are made again each step start at a hash of the step as well.
"""

from __future__ import annotations

import math
from operator import index
from typing import Any

import numpy as np

from monolith.core.errors import ConfigError
from monolith.table.compiling import mix, subroutine

GOLDEN = 0x9E3779B97F4A7C15


def seed_of(seed: int) -> np.uint64:
    """Any integer, as kernels take it.

    Raises:
        ConfigError: it is none.
    """
    try:
        return np.uint64(index(seed) & (2**64 - 1))
    except TypeError:
        raise ConfigError([f"seed {seed!r}: must be a whole number"]) from None


@subroutine
def salt(seed: Any) -> Any:
    """What is drawn with another `seed` has nothing to do with it."""
    return mix(seed + np.uint64(GOLDEN))


@subroutine
def begin(salted: Any, fid: int) -> Any:
    """Where a row's numbers begin."""
    return mix(np.uint64(fid) ^ salted)


@subroutine
def bits_at(start: Any, column: Any) -> Any:
    """The 64 bits of a column."""
    return mix(start + (np.uint64(column) + np.uint64(1)) * np.uint64(GOLDEN))


@subroutine
def unit(bits: Any) -> Any:
    """A float32 in [0, 1), one of 2²⁴."""
    return np.float32(bits >> np.uint64(40)) * np.float32(2.0**-24)


@subroutine
def normal(bits: Any) -> Any:
    """A float64 of the standard normal distribution (Box, Muller 1958), from 32 bits and 32 more."""
    radius = math.sqrt(-2.0 * math.log((np.float64(bits >> np.uint64(32)) + 1.0) * 2.0**-32))
    return radius * math.cos(2.0 * math.pi * np.float64(bits & np.uint64(0xFFFFFFFF)) * 2.0**-32)
