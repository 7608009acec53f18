"""Batches made ahead of need, in a thread that ends with its reader."""

from __future__ import annotations

from monolith.data.reading import Batches


def prefetched(batches: Batches, depth: int = 2) -> Batches:
    """`batches`, up to `depth` of them ready before they are asked for.

    An error in the making reaches the reader in its place. Closing, or dropping, the result ends the thread.
    """
    raise NotImplementedError
