"""Admission by chance: no memory at all, and a frequent fid gets in soon."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Flags
from monolith.table.admission.base import State, further_up
from monolith.table.admission.cells import Counts
from monolith.table.compiling import given, kernel, mix

LEFT_OUT = 0.05  # of the fids that have occurred as often as the threshold says, on average


class ProbabilisticFilter:
    """Upstream's ProbabilisticFilter: a fid that occurs c times gets in with probability p.

    With `equal_probability` each occurrence is one draw that wins with q = 1 - 0.05^(1/threshold), so
    p = 1 - (1 - q)^c: after `threshold` occurrences 95 of 100 are in. Without, p = c / threshold.

    What is drawn depends on (seed, fid, step) alone.
    """

    memory_bytes = most_bytes = 0

    def __init__(self, *, equal_probability: bool = True, seed: int = 0) -> None:
        self._equal = equal_probability
        self._seed = seed

    def admits(self, fids: Fids, counts: Counts, thresholds: Counts, step: int) -> Flags:
        """As `Filter.admits`."""
        drawn = np.empty(len(fids))
        draw(given(fids), np.uint64(self._seed), np.uint64(step), drawn)
        so_far = counts + further_up(fids, counts)
        admitted: Flags = (thresholds <= 0) | (drawn < self.chance(so_far, np.maximum(thresholds, 1)))
        return admitted

    def chance(self, counts: Counts, thresholds: Counts) -> NDArray[np.float64]:
        """p, for counts (n,) and thresholds (n,) of at least 1."""
        if not self._equal:
            return np.asarray(counts / thresholds)
        return np.asarray(1 - LEFT_OUT ** (counts / thresholds))

    def state(self) -> State:
        return {}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """There is nothing to remember."""


@kernel
def draw(fids: Fids, seed: np.uint64, step: np.uint64, drawn: NDArray[np.float64]) -> None:
    """A number in [0, 1) for each of `fids` (n,)."""
    salt = mix(seed + mix(step + np.uint64(1)))
    for i in range(len(fids)):
        drawn[i] = (mix(np.uint64(fids[i]) ^ salt) >> np.uint64(11)) * (1.0 / (1 << 53))
