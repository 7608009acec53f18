"""Ids before they travel: each once, and grouped by the shard that owns them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.core.arrays import Indices, as_fids
from monolith.core.errors import ConfigError
from monolith.table.compiling import given, kernel, mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monolith.core.arrays import Fids


def dedup(fids: Fids) -> tuple[Fids, Indices]:
    """Each id once, in the order first seen, and `inverse` (n,) such that `unique[inverse] == fids`."""
    fids = given(as_fids(fids))
    unique, inverse = np.empty(len(fids), np.int64), np.empty(len(fids), np.int64)
    seen = np.full(1 << (2 * len(fids)).bit_length(), -1)  # at most half full
    count = _dedup(fids, seen, unique, inverse)
    return unique[:count], inverse


@kernel
def _dedup(fids: Fids, seen: Indices, unique: Fids, inverse: Indices) -> int:
    """Fill `unique` and `inverse` through a hash table `seen` of positions in `unique`, -1 where empty."""
    mask, count = np.uint64(len(seen) - 1), 0
    for i in range(len(fids)):
        place = mix(fids[i]) & mask
        while seen[place] >= 0 and unique[seen[place]] != fids[i]:
            place = (place + np.uint64(1)) & mask
        if seen[place] < 0:
            seen[place], unique[count] = count, fids[i]
            count += 1
        inverse[i] = seen[place]
    return count


def route(fids: Fids, num_shards: int) -> tuple[Indices, Indices]:
    """Group ids by owner, which is `fid mod num_shards` rounded down: negative ids have one too.

    Returns:
        `order` (n,): positions in `fids`, those of shard 0 first, within a shard in the order they came;
        `counts` (num_shards,): how many each shard owns.

    Raises:
        ConfigError: num_shards < 1.
    """
    if num_shards < 1:
        raise ConfigError([f"num_shards={num_shards}: ids cannot be routed to fewer than 1 shard"])
    fids = given(as_fids(fids))
    order, ends = np.empty(len(fids), np.int64), np.zeros(num_shards, np.int64)
    _route(fids, np.empty(len(fids), np.int32), order, ends)
    return order, np.diff(ends, prepend=0)


@kernel
def _route(fids: Fids, owners: NDArray[np.int32], order: Indices, ends: Indices) -> None:
    """Counting sort, stable; `ends` comes as zeros and leaves as each shard's end in `order`.

    `owners` (n,) has room for the shard of each: dividing twice takes 1.3 x to 3 x as long.
    """
    for i in range(len(fids)):
        owner = fids[i] % len(ends)
        owners[i] = owner
        ends[owner] += 1
    start = 0
    for shard in range(len(ends)):
        start, ends[shard] = start + ends[shard], start
    for i in range(len(fids)):
        order[ends[owners[i]]] = i
        ends[owners[i]] += 1
