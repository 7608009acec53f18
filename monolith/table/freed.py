"""Row numbers that fids had who left: the next ones to be given, or to be given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from monolith.core.arrays import Indices

UNBOUNDED = 1 << 62


class Freed:
    """A stack. What is not below `bound` is held back; there is no bound at first."""

    def __init__(self) -> None:
        self.bound = UNBOUNDED
        self._held = np.empty(16, np.int64)
        self._count = 0
        self._back: list[Indices] = []

    def __len__(self) -> int:
        return self._count + sum(map(len, self._back))

    def push(self, numbers: Indices) -> None:
        high = numbers >= self.bound
        if high.any():
            self._back.append(numbers[high])
            numbers = numbers[~high]
        count = self._count + len(numbers)
        if count > len(self._held):
            larger = np.empty(max(count, 2 * len(self._held)), np.int64)
            larger[: self._count] = self._held[: self._count]
            self._held = larger
        self._held[self._count : count] = numbers
        self._count = count

    def top(self, count: int) -> Indices:
        """The last `count`, or all, the latest first."""
        return self._held[max(self._count - count, 0) : self._count][::-1]

    def pop(self, count: int) -> int:
        """Forget what `top` gives; returns how many."""
        popped = min(count, self._count)
        self._count -= popped
        return popped

    def hold_back(self, bound: int) -> None:
        """Give no number from `bound` on until `give_up`."""
        self._again(bound)

    def give_up(self, end: int) -> int:
        """Forget the highest of the numbers below `end`, as many as are all here; returns the new end.

        Nothing is held back any more.
        """
        back = np.concatenate([*self._back, np.empty(0, np.int64)])
        low = min(self.bound, end)
        given = np.ones(end - low, np.bool_)
        given[back - low] = False
        end = low + (int(given.nonzero()[0][-1]) + 1 if given.any() else 0)
        self._back = [back[back < end]]
        self._again(UNBOUNDED)
        return end

    def _again(self, bound: int) -> None:
        """Push everything, with another bound."""
        numbers = np.concatenate([*self._back, self._held[: self._count]])
        held = np.empty(max(len(numbers), 16), np.int64)
        self.bound, self._back, self._held, self._count = bound, [], held, 0
        self.push(numbers)
