"""The way of a call's ids: each once, each to the shard that owns it, and the rows back in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Rows
from monolith.table.dedup import dedup, route
from monolith.table.pooling import Combiner, unpool

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Route:
    """n ids as they were asked for, and as they travel: unique and grouped by shard."""

    parts: tuple[Fids, ...]  # one per shard
    order: NDArray[np.int64]  # (u,): where each travelling id stands among the unique ones
    inverse: NDArray[np.int64] | None  # (n,): which unique id each asked one is; None if all differ

    @staticmethod
    def of(fids: Fids, shards: int, *, unique: bool) -> Route:
        """Plan for `fids`; `unique` promises that none occurs twice."""
        ids, inverse = (fids, None) if unique else dedup(fids)
        if inverse is not None and len(ids) == len(fids):
            inverse = None
        order, counts = route(ids, shards)
        parts = np.split(ids[order], np.cumsum(counts)[:-1])
        return Route(tuple(parts), order, inverse)

    def join(self, answers: Sequence[Rows], dim: int) -> Rows:
        """Rows (n, dim) as asked for, from the rows of each shard that had any, in order of shards."""
        return self.joined(answers) if answers else np.zeros((0, dim), np.float32)

    def joined(self, answers: Sequence[NDArray[T]]) -> NDArray[T]:
        """An answer for each id as asked for, from the answers of each shard that had any; not for none."""
        unique = np.empty((len(self.order), *answers[0].shape[1:]), answers[0].dtype)
        start = 0
        for answer in answers:
            stop = start + len(answer)
            _cells(unique)[self.order[start:stop]] = _cells(answer)
            start = stop
        return unique if self.inverse is None else unique[self.inverse]

    def split(self, grads: Rows) -> list[Rows]:
        """Gradients (n, dim) for each shard; those of one id are added up, in the order they came."""
        return self._by_shard(grads if self.inverse is None else self._summed(grads, self.inverse))

    def split_last(self, rows: Rows) -> list[Rows]:
        """Rows (n, dim) for each shard; of those of one id the one that came last."""
        kept = rows
        if self.inverse is not None:
            kept = np.empty((len(self.order), rows.shape[1]), np.float32)
            kept[self.inverse] = rows  # numpy writes in order
        return self._by_shard(kept)

    def split_numbers(self, numbers: NDArray[T], together: np.ufunc) -> list[NDArray[T]]:
        """Whole numbers >= 0 (n,) for each shard; `together` makes one of those of one id."""
        kept = numbers
        if self.inverse is not None:
            kept = np.zeros(len(self.order), numbers.dtype)
            together.at(kept, self.inverse, numbers)
        return self._by_shard(kept)

    def _by_shard(self, rows: NDArray[T]) -> list[NDArray[T]]:
        bounds = np.cumsum([len(part) for part in self.parts])[:-1]
        grouped = _cells(rows)[self.order].view(rows.dtype).reshape(rows.shape)
        return np.split(grouped, bounds)

    def _summed(self, grads: Rows, inverse: NDArray[np.int64]) -> Rows:
        into = np.zeros((len(self.order), grads.shape[1]), np.float32)
        unpool(grads, inverse, np.arange(len(grads) + 1), Combiner.SUM, 0, into)
        return into


def _cells(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows (n, dim) as n elements, which numpy moves faster than it moves rows; (n,) as it is."""
    if rows.ndim == 1 or not rows.size:
        return rows
    return np.ascontiguousarray(rows).view(f"V{rows.itemsize * rows.shape[1]}").reshape(-1)
