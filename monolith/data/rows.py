"""Choosing, cutting and joining the rows of batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import splits_of
from monolith.core.batch import Batch, Ragged


def take(batch: Batch, rows: NDArray[np.int64]) -> Batch:
    """The given rows of `batch`, in the given order."""
    return Batch(
        {name: _take(ids, rows) for name, ids in batch.sparse.items()},
        {name: values[rows] for name, values in batch.dense.items()},
        batch.labels[rows],
        batch.weights[rows],
        None if batch.times is None else batch.times[rows],
        None if batch.sample_rates is None else batch.sample_rates[rows],
    )


def cut(batch: Batch, begin: int, end: int) -> Batch:
    """Rows begin..end - 1 of `batch`; the ids and numbers are views."""
    return Batch(
        {name: _cut(ids, begin, end) for name, ids in batch.sparse.items()},
        {name: values[begin:end] for name, values in batch.dense.items()},
        batch.labels[begin:end],
        batch.weights[begin:end],
        None if batch.times is None else batch.times[begin:end],
        None if batch.sample_rates is None else batch.sample_rates[begin:end],
    )


def joined(batches: Sequence[Batch]) -> Batch:
    """The rows of at least one batch of the same schema, one batch after another."""
    if len(batches) == 1:
        return batches[0]
    first, timed = batches[0], any(b.times is not None for b in batches)
    sampled = any(b.sample_rates is not None for b in batches)
    return Batch(
        {name: _joined([b.sparse[name] for b in batches]) for name in first.sparse},
        {name: np.concatenate([b.dense[name] for b in batches]) for name in first.dense},
        np.concatenate([b.labels for b in batches]),
        np.concatenate([b.weights for b in batches]),
        np.concatenate([b.known_times for b in batches]) if timed else None,
        np.concatenate([b.known_sample_rates for b in batches]) if sampled else None,
    )


def sized(batches: Iterable[Batch], size: int) -> Iterator[Batch]:
    """The rows of `batches` in order, `size` at a time; the last batch may be short."""
    left: list[Batch] = []
    for batch in batches:
        held = joined([*left, batch])
        full = len(held) - len(held) % size
        yield from (cut(held, at, at + size) for at in range(0, full, size))
        left = [cut(held, full, len(held))] if full < len(held) else []
    yield from left


def _take(ids: Ragged, rows: NDArray[np.int64]) -> Ragged:
    if len(ids.fids) == len(ids) and (ids.lengths == 1).all():
        return Ragged(ids.fids[rows], np.arange(len(rows) + 1))
    lengths = ids.lengths[rows]
    splits = splits_of(lengths)
    moved = np.repeat(ids.row_splits[rows] - splits[:-1], lengths)  # from where an id goes to where it is
    return Ragged(ids.fids[moved + np.arange(splits[-1])], splits)


def _cut(ids: Ragged, begin: int, end: int) -> Ragged:
    splits = ids.row_splits[begin : end + 1]
    return Ragged(ids.fids[splits[0] : splits[-1]], splits - splits[0])


def _joined(parts: Sequence[Ragged]) -> Ragged:
    ends = np.cumsum([part.row_splits[-1] for part in parts])
    moved = [part.row_splits[1:] + end - part.row_splits[-1] for part, end in zip(parts, ends, strict=True)]
    splits = np.concatenate([np.zeros(1, np.int64), *moved])
    return Ragged(np.concatenate([part.fids for part in parts]), splits)
