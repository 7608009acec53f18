"""Which rows a worker reads in which order: decided from the index alone, before anything is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from monolith.data.index import Block, Index
from monolith.data.reading import Reading

WINDOW_ROWS = 32_768  # rows that are mixed with each other: about eight blocks


class Place(NamedTuple):
    """A block and the file it is in."""

    file: str
    block: Block


class Window(NamedTuple):
    """Blocks that are read together; `seed` mixes their rows, None keeps them as they are."""

    places: Sequence[Place]
    seed: tuple[int, ...] | None

    @property
    def rows(self) -> int:
        return sum(place.block.rows for place in self.places)


def share(index: Index, worker: int, num_workers: int) -> list[Place]:
    """The blocks that are `worker`'s: every one belongs to one worker.

    Blocks are dealt out, and not whole files, so that no worker has more than one block more than another.
    """
    every = [Place(part.name, block) for part in index.parts for block in part.blocks]
    return every[worker::num_workers]


def windows(places: Sequence[Place], reading: Reading, epoch: int) -> Iterator[Window]:
    """The windows of one epoch; shuffled, the order of the blocks is drawn anew for each."""
    if not reading.shuffle:
        yield from (Window([place], None) for place in places)
        return
    seed = (reading.seed, reading.worker, epoch)
    order = np.random.default_rng(seed).permutation(len(places))
    held: list[Place] = []
    number = 0
    for i in order.tolist():
        held.append(places[i])
        if Window(held, None).rows >= WINDOW_ROWS:
            yield Window(held, (*seed, number))
            held, number = [], number + 1
    if held:
        yield Window(held, (*seed, number))
