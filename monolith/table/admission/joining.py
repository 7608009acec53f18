"""What the filters of several servers remember, as one filter would: for when their number changes.

A cell does not say whose it is, only where it may be looked for, and that is the same in all filters of one
shape. So cells are put together where they stand, and a server may remember ids that are not its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Flags
from monolith.table.admission.exact import ExactCounter
from monolith.table.admission.hash_filter import HashFilter, SlidingHashFilter
from monolith.table.retention import FilterType

if TYPE_CHECKING:
    from monolith.table.admission.base import State
    from monolith.table.retention import FilterConfig


def joined(
    config: FilterConfig,
    states: Sequence[Mapping[str, NDArray[np.generic]]],
    owned: Callable[[Fids], Flags],
) -> State:
    """One state of a filter of `config` that remembers what `states`, one or more, do.

    Nothing is forgotten that the filter has room for: where it has not, a sliding one and the exact counter
    forget what is oldest, the others some. `owned` says which of some fids matter; only the exact counter
    asks. Two ids of a hash filter may become one, as they do when they are counted.

    Raises:
        ConfigError: one of `states` is another filter's.
    """
    match config.filter_type:
        case FilterType.EXACT_COUNTER:
            counter = ExactCounter(config.filter_capacity)
            counter.join(states, owned)
            return counter.state()
        case FilterType.HASH_FILTER:
            hashes = HashFilter(config.filter_capacity)
            hashes.join(states)
            return hashes.state()
        case FilterType.SLIDING_HASH_FILTER:
            sliding = SlidingHashFilter(config.filter_capacity, config.filter_split_num)
            sliding.join(states)
            return sliding.state()
        case _:
            return {}
