"""The way of a call's ids: each once, each to the shard that owns it, and what is said of them in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Flags, Indices, Rows
from monolith.ps.destination import Destination
from monolith.table.dedup import dedup, route
from monolith.table.pooling import Combiner, unpool

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Route:
    """n ids as they were asked for, and u of them as they travel: unique, and grouped by shard.

    If both `order` and `inverse` are None, they travel as they were asked for.
    """

    parts: tuple[Fids, ...]  # one per shard, u ids in all
    order: tuple[Indices, ...] | None = None  # if all differ: where each shard's stand among those asked for
    inverse: Indices | None = None  # (n,), if some repeat: which travelling id each one is

    @staticmethod
    def of(fids: Fids, shards: int, *, unique: bool) -> Route:
        """Plan for `fids`; `unique` promises that none occurs twice."""
        ids, inverse = (fids, None) if unique else dedup(fids)
        if len(ids) == len(fids):
            inverse = None
        if shards == 1:
            return Route((ids,), inverse=inverse)
        order = tuple(_owned(ids, shards))
        parts = tuple(ids[at] for at in order)
        if inverse is None:
            return Route(parts, order)
        places = np.empty(len(ids), np.int64)
        places[np.concatenate(order)] = np.arange(len(ids))
        return Route(parts, inverse=places[inverse])

    def room(self, dim: int) -> Rows:
        """An array (u, dim) for what shards say, which has not been written yet."""
        return np.empty((self._travelling, dim), np.float32)

    def places(self, room: NDArray[Any]) -> list[Destination]:
        """Where in `room` (u, …) each shard's answers go; `answer` finds them there."""
        if self.order is None:
            return [Destination(mine) for mine in self._by_shard(room)]
        return [Destination(room, at) for at in self.order]

    def answer(self, room: NDArray[T]) -> NDArray[T]:
        """One for each of the n ids (n, …), once all shards' answers are in `room`."""
        return room if self.inverse is None else np.take(room, self.inverse, axis=0)

    def joined(self, answers: Sequence[Flags]) -> Flags:
        """An answer for each of the n ids, from the answers of each shard that had any."""
        room = np.empty(self._travelling, np.bool_)
        places = (place for place, part in zip(self.places(room), self.parts, strict=True) if len(part))
        for place, answer in zip(places, answers, strict=True):
            place.put(answer)
        return self.answer(room)

    def split(self, grads: Rows) -> list[Rows]:
        """Gradients (n, dim) for each shard; those of one id are added up, in the order they came."""
        if self.inverse is None:
            return self._in_order(grads)
        into = np.zeros((self._travelling, grads.shape[1]), np.float32)
        unpool(grads, self.inverse, np.arange(len(grads) + 1), Combiner.SUM, 0, into)
        return self._by_shard(into)

    def split_last(self, rows: Rows) -> list[Rows]:
        """Rows (n, dim) for each shard; of those of one id the one that came last."""
        if self.inverse is None:
            return self._in_order(rows)
        kept = self.room(rows.shape[1])
        Destination(kept, self.inverse).put(rows)  # in order, so that the last stays
        return self._by_shard(kept)

    def split_numbers(self, numbers: NDArray[T], together: np.ufunc) -> list[NDArray[T]]:
        """Whole numbers >= 0 (n,) for each shard; `together` makes one of those of one id."""
        if self.inverse is None:
            return self._in_order(numbers)
        kept = np.zeros(self._travelling, numbers.dtype)
        together.at(kept, self.inverse, numbers)
        return self._by_shard(kept)

    @property
    def _travelling(self) -> int:
        return sum(map(len, self.parts))

    def _in_order(self, told: NDArray[T]) -> list[NDArray[T]]:
        """What is told of ids that all differ, for each shard."""
        return [told] if self.order is None else [np.take(told, at, axis=0) for at in self.order]

    def _by_shard(self, held: NDArray[T]) -> list[NDArray[T]]:
        return _cut(held, map(len, self.parts))


def _owned(fids: Fids, shards: int) -> list[Indices]:
    """Where the fids of each shard stand, in order."""
    if shards == 2:  # the usual number: half of the time of a sort
        odd = (fids & 1).astype(np.bool_)
        return [np.flatnonzero(~odd), np.flatnonzero(odd)]
    return _cut(*route(fids, shards))


def _cut(held: NDArray[T], counts: Iterable[int]) -> list[NDArray[T]]:
    """So many of each shard, which lie one after the other."""
    return [held[start:stop] for start, stop in pairwise(accumulate(counts, initial=0))]
