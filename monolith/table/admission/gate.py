"""What a table asks before it makes rows: the thresholds of the slots, and the filter that counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Flags, Indices
from monolith.core.fids import slot_of
from monolith.table.admission.base import Filter, State
from monolith.table.admission.exact import ExactCounter
from monolith.table.admission.hash_filter import HashFilter, SlidingHashFilter
from monolith.table.admission.probabilistic import ProbabilisticFilter
from monolith.table.retention import FilterConfig, FilterType

if TYPE_CHECKING:
    from monolith.table.admission.cells import Counts
    from monolith.table.config import TableConfig


class Gate:
    """Lets fids in. Not safe from many threads by itself.

    Args:
        thresholds: (MAX_SLOT + 1,), how often an id of each slot must have occurred before.
        filter_: who remembers that.
    """

    def __init__(self, thresholds: Indices, filter_: Filter) -> None:
        self._thresholds = thresholds
        self._filter = filter_

    @property
    def memory_bytes(self) -> int:
        return self._filter.memory_bytes

    @property
    def most_bytes(self) -> int:
        return self._filter.most_bytes

    def on_sight(self, fids: Fids) -> Flags:
        """Which of `fids` (n,) need not have occurred before. Counts nothing."""
        free: Flags = self._thresholds[slot_of(fids)] <= 0
        return free

    def admits(self, fids: Fids, counts: Counts | None, step: int) -> Flags:
        """Which of `fids` (n,), all without a row, get one as they occur `counts` (n,) times; None: once."""
        counts = np.ones(len(fids), np.int64) if counts is None else counts
        return self._filter.admits(fids, counts, self._thresholds[slot_of(fids)], step)

    def state(self) -> State:
        return self._filter.state()

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go on where `state` was taken.

        Raises:
            ConfigError: it is of another filter; nothing has changed.
        """
        self._filter.restore(state)


def gate_of(config: TableConfig, seed: int) -> Gate | None:
    """What `config` asks for; None if it lets everyone in. `seed` is for filters that draw."""
    if config.admits_all:
        return None
    return Gate(config.slot_occurrence_threshold_config.by_slot(), _filter(config.filter_config, seed))


def _filter(config: FilterConfig, seed: int) -> Filter:
    match config.filter_type:
        case FilterType.EXACT_COUNTER:
            return ExactCounter(config.filter_capacity)
        case FilterType.HASH_FILTER:
            return HashFilter(config.filter_capacity)
        case FilterType.PROBABILISTIC_FILTER:
            return ProbabilisticFilter(equal_probability=config.filter_equal_probability, seed=seed)
        case _:
            return SlidingHashFilter(config.filter_capacity, config.filter_split_num)
