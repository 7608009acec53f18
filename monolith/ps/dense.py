"""The dense values that workers share: each pushes what it changed, and takes what the sum is."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from monolith.core.errors import DenseNotFound, DimensionMismatch
from monolith.ps.api import DenseTensors

Values = dict[str, NDArray[np.float32]]


class DenseValues:
    """Float32 arrays of any shape by name. Safe from many threads; what is given out is a copy."""

    def __init__(self, shard: int) -> None:
        self._shard = shard
        self._lock = threading.Lock()
        self._values: Values = {}

    def set(self, values: DenseTensors, *, overwrite: bool) -> Values:
        """Set what is not there yet, or all with `overwrite`; what is there then."""
        with self._lock:
            for name, value in values.items():
                if overwrite or name not in self._values:
                    self._values[name] = np.array(value, np.float32)
            return self._copies(values)

    def add(self, deltas: DenseTensors) -> None:
        """Add all deltas, or none.

        Raises:
            DenseNotFound: a name was never set.
            DimensionMismatch: a delta of another shape than its value.
        """
        with self._lock:
            for name, delta in deltas.items():
                self._judge(name, delta)
            for name, delta in deltas.items():
                self._values[name] += delta

    def get(self, names: DenseTensors) -> Values:
        with self._lock:
            return self._copies(names)

    def _copies(self, names: DenseTensors) -> Values:
        return {name: self._values[name].copy() for name in names}

    def _judge(self, name: str, delta: NDArray[np.float32]) -> None:
        if name not in self._values:
            raise DenseNotFound(name, shard=self._shard)
        there = self._values[name]
        if there.shape != delta.shape:
            what = f"{name} has shape {there.shape}, its delta {delta.shape}"
            raise DimensionMismatch(there.size, delta.size, what=what, shard=self._shard)
