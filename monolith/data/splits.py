"""Which rows are for training, which for validation, which for the test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monolith.core.schema import Split
from monolith.data.raw import Chunk
from monolith.data.times import seconds

Assignment = NDArray[np.int8]  # (n,) places in dataset.SPLITS
_TRAIN, _VALID, _TEST = range(3)


def assigner(split: Split, chunks: Callable[[], Iterable[Chunk]]) -> Callable[[Chunk], Assignment]:
    """A function that is called with each chunk once, in order, and assigns its rows.

    By time, the earliest rows are for training and the latest for the test; rows of the same moment stay in
    the order they come in. That takes a look at all times first: 9 bytes a row.

    Raises:
        SchemaError: a time is neither a number nor a timestamp.
    """
    if not split.time:
        return _by_lot(split)
    times = [seconds(chunk, split.time) for chunk in chunks()]
    return _in_turn(by_time(np.concatenate(times) if times else np.empty(0), split))


def by_time(times: NDArray[Any], split: Split) -> Assignment:
    """The assignment of rows with these times."""
    order = np.argsort(times, kind="stable")
    rows = len(times)
    test = round(rows * split.test)
    valid = round(rows * split.valid)
    assigned = np.full(rows, _TRAIN, np.int8)
    assigned[order[rows - test - valid :]] = _VALID
    assigned[order[rows - test :]] = _TEST
    return assigned


def _by_lot(split: Split) -> Callable[[Chunk], Assignment]:
    """One draw a row, so that chunks of another size change nothing."""
    rng = np.random.default_rng(split.seed)
    bounds = np.array([1 - split.valid - split.test, 1 - split.test])

    def assign(chunk: Chunk) -> Assignment:
        return np.searchsorted(bounds, rng.random(len(chunk)), side="right").astype(np.int8)

    return assign


def _in_turn(assigned: Assignment) -> Callable[[Chunk], Assignment]:
    given = 0

    def assign(chunk: Chunk) -> Assignment:
        nonlocal given
        given += len(chunk)
        return assigned[given - len(chunk) : given]

    return assign
