"""Which ids deserve a row: asked of those that have none, once a batch, with how often each occurs in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Flags
from monolith.core.errors import ConfigError
from monolith.table.admission.cells import Counts
from monolith.table.dedup import dedup

State: TypeAlias = dict[str, NDArray[np.generic]]


def must_hold(state: Mapping[str, object], *names: str) -> None:
    """Refuse a state that lacks one of `names`.

    Raises:
        ConfigError: it does.
    """
    if missing := [name for name in names if name not in state]:
        raise ConfigError([f"what a filter is restored from lacks: {', '.join(missing)}"])


def further_up(fids: Fids, counts: Counts) -> Counts:
    """How often each of `fids` (n,) occurs further up, by `counts` (n,)."""
    if len(dedup(fids)[0]) == len(fids):
        return np.zeros(len(fids), np.int64)
    order = np.argsort(fids, kind="stable")
    total = np.cumsum(counts[order]) - counts[order]
    begins = np.diff(fids[order], prepend=~fids[order[0]]) != 0
    before = np.empty(len(fids), np.int64)
    before[order] = total - np.maximum.accumulate(np.where(begins, total, 0))
    return before


class Filter(Protocol):
    """What a table asks before it makes rows."""

    @property
    def memory_bytes(self) -> int: ...

    @property
    def most_bytes(self) -> int:
        """What `memory_bytes` may grow to."""

    def admits(self, fids: Fids, counts: Counts, thresholds: Counts, step: int) -> Flags:
        """Which of `fids` (n,), which have no row, get one now.

        `counts` (n,) says how often each occurs here, at least once; `thresholds` (n,) how often it must have
        occurred *before*. A threshold of 0 or less admits at once. Of a fid that stands there twice the
        second counts what the first brought, and is admitted if the first is.
        """

    def state(self) -> State:
        """All that is remembered: what `restore` takes."""

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Remember exactly `state`.

        Raises:
            ConfigError: it is incomplete, or of a filter of another shape; nothing has changed.
        """


class CountingFilter(ABC):
    """Base of the filters that count."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ConfigError([f"{type(self).__name__} capacity={capacity}: must be > 0"])
        self.capacity = capacity

    def admits(self, fids: Fids, counts: Counts, thresholds: Counts, step: int) -> Flags:  # noqa: ARG002
        """As `Filter.admits`; fids with no threshold are not counted."""
        admitted = np.ones(len(fids), np.bool_)
        asked = np.flatnonzero(thresholds > 0)
        admitted[asked] = self.add(fids[asked], counts[asked]) >= thresholds[asked]
        return admitted

    @property
    @abstractmethod
    def elements(self) -> int:
        """Fids that are counted."""

    @property
    @abstractmethod
    def failures(self) -> int:
        """Fids for which there was no room: they are admitted."""

    @property
    @abstractmethod
    def memory_bytes(self) -> int: ...

    @property
    def most_bytes(self) -> int:
        """What `memory_bytes` may grow to."""
        return self.memory_bytes

    @abstractmethod
    def add(self, fids: Fids, counts: Counts) -> Counts:
        """Add `counts` (n,) to those of `fids` (n,), one after the other; what each was before (n,)."""

    @abstractmethod
    def get(self, fids: Fids) -> Counts:
        """The counts of `fids` (n,)."""

    @abstractmethod
    def state(self) -> State: ...

    @abstractmethod
    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None: ...
