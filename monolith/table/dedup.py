"""Ids before they travel: each once, and grouped by the shard that owns them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monolith.core.arrays import Fids


def dedup(fids: Fids) -> tuple[Fids, NDArray[np.int64]]:
    """The ids without repetition, in the order first seen, and `inverse` (n,) with `unique[inverse] == fids`."""
    raise NotImplementedError


def route(fids: Fids, num_shards: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Group ids by owner, `fid mod num_shards` rounded to the floor, so that negative ids have one too.

    Returns:
        `order` (n,): positions in `fids`, those of shard 0 first, within a shard in the order they came;
        `counts` (num_shards,): how many each shard owns.

    Raises:
        ConfigError: num_shards < 1.
    """
    raise NotImplementedError
