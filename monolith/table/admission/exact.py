"""Exact counts of the fids seen last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Flags, as_fids
from monolith.core.errors import ConfigError
from monolith.table.admission.base import CountingFilter, State, further_up, must_hold
from monolith.table.admission.cells import Counts
from monolith.table.compiling import given
from monolith.table.eviction import by_lot
from monolith.table.index import EMPTY_BYTES, MOST_BYTES, Index

_COUNT_BYTES = 8
_NAMES = ("young", "old")


class ExactCounter(CountingFilter):
    """Counts without mistakes: of the last `capacity` distinct fids at least, of twice as many at most.

    Two generations: a new fid is counted in the young one; when that is full it becomes the old one, whose
    fids are forgotten unless they come again.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self._young = _Generation()
        self._old = _Generation()

    @property
    def elements(self) -> int:
        return len(self._young) + len(self._old)

    @property
    def failures(self) -> int:
        return 0

    @property
    def memory_bytes(self) -> int:
        return self._young.memory_bytes + self._old.memory_bytes

    @property
    def most_bytes(self) -> int:
        """But for what one batch brings in."""
        return 2 * (EMPTY_BYTES + self.capacity * (MOST_BYTES + 2 * _COUNT_BYTES))

    def add(self, fids: Fids, counts: Counts) -> Counts:
        fids = given(as_fids(fids))
        before = self.get(fids) + further_up(fids, counts)
        self._young.set(fids, before + counts)
        if len(self._young) >= self.capacity:
            self._young, self._old = _Generation(), self._young
        return before

    def get(self, fids: Fids) -> Counts:
        fids = given(as_fids(fids))
        young = self._young.get(fids)
        return np.where(young > 0, young, self._old.get(fids))

    def state(self) -> State:
        young, old = self._young.entries(), self._old.entries()
        return {"young": np.stack(young), "old": np.stack(old)}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        self._start(*(_together([state], name) for name in _NAMES))

    def join(
        self, states: Sequence[Mapping[str, NDArray[np.generic]]], owned: Callable[[Fids], Flags]
    ) -> None:
        """Go on where all of `states` were taken, for `owned` fids, as far as there is room.

        Raises:
            ConfigError: one is of another filter; nothing has changed.
        """
        young, old = (_together(states, name) for name in _NAMES)
        young, old = (generation[:, owned(generation[0])] for generation in (young, old))
        young, old = (generation[:, by_lot(generation[0])] for generation in (young, old))
        kept = np.hstack([old, young])[:, -2 * self.capacity :]
        count = min(max(young.shape[1], kept.shape[1] - self.capacity), self.capacity)
        self._start(kept[:, kept.shape[1] - count :], kept[:, : kept.shape[1] - count])

    def _start(self, young: NDArray[np.int64], old: NDArray[np.int64]) -> None:
        self._young, self._old = _Generation(), _Generation()
        self._young.set(*map(given, young))
        self._old.set(*map(given, old))


def _together(states: Sequence[Mapping[str, NDArray[np.generic]]], name: str) -> NDArray[np.int64]:
    """The fids and counts of one generation of all `states`, (2, n)."""
    for state in states:
        must_hold(state, *_NAMES)
        if state[name].ndim != 2 or len(state[name]) != 2:
            said = f"{name} of shape {state[name].shape}, where a counter has fids and their counts"
            raise ConfigError([f"what a filter is restored from has {said}"])
    return np.hstack([state[name].astype(np.int64) for state in states])


class _Generation:
    """fid -> count, growing."""

    def __init__(self) -> None:
        self._index = Index()
        self._counts = np.zeros(16, np.int64)

    def __len__(self) -> int:
        return len(self._index)

    @property
    def memory_bytes(self) -> int:
        return self._index.memory_bytes + self._counts.nbytes

    def get(self, fids: Fids) -> Counts:
        numbers = self._index.find(fids)
        return np.where(numbers >= 0, self._counts[numbers], 0)

    def set(self, fids: Fids, counts: Counts) -> None:
        """Of a fid that stands there twice, the last."""
        self._index.add(fids)
        if self._index.end > len(self._counts):
            larger = np.zeros(max(self._index.end, 2 * len(self._counts)), np.int64)
            larger[: len(self._counts)] = self._counts
            self._counts = larger
        self._counts[self._index.find(fids)] = counts

    def entries(self) -> tuple[Fids, Counts]:
        fids, numbers = self._index.entries()
        return fids, self._counts[numbers]
