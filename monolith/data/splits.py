"""Which rows are for training, which for validation, which for the test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monolith.core.schema import Split
from monolith.data.raw import Chunk, numbers

Assignment = NDArray[np.int8]  # (n,) places in dataset.SPLITS
_TRAIN, _VALID, _TEST = range(3)
_NEITHER = "which is neither a number nor a timestamp"


def assigner(split: Split, chunks: Callable[[], Iterable[Chunk]]) -> Callable[[Chunk], Assignment]:
    """A function that is called with each chunk once, in order, and assigns its rows.

    By time, the earliest rows are for training and the latest for the test; rows of the same moment stay in
    the order they come in. That takes a look at all times first: 9 bytes a row.

    Raises:
        SchemaError: a time is neither a number nor a timestamp.
    """
    if not split.time:
        return _by_lot(split)
    times = [_times(chunk, split.time) for chunk in chunks()]
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


def _times(chunk: Chunk, column: str) -> NDArray[Any]:
    """Seconds as float64: numbers as they are, timestamps since 1970."""
    values = chunk[column]
    if values.dtype.kind == "M":
        return _since_1970(chunk, column, values)
    if values.dtype.kind == "O" and not _is_number(values[0]):
        return _since_1970(chunk, column, _timestamps(chunk, column))
    return numbers(chunk, column)


def _since_1970(chunk: Chunk, column: str, stamps: NDArray[Any]) -> NDArray[Any]:
    if (gone := np.isnat(stamps)).any():
        raise chunk.refuse(column, int(np.argmax(gone)), _NEITHER)
    return stamps.astype("datetime64[us]").astype(np.int64) / 1e6


def _timestamps(chunk: Chunk, column: str) -> NDArray[Any]:
    """ISO 8601 text as UTC."""
    stamps = np.empty(len(chunk), "datetime64[us]")
    for row, value in enumerate(chunk[column].tolist()):
        try:
            stamps[row] = value.removesuffix("Z") if isinstance(value, str) else value
        except (TypeError, ValueError):
            raise chunk.refuse(column, row, _NEITHER) from None
    return stamps


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
