"""Row numbers that fids had who left: the lowest are the next ones to be given, the highest are given up.

A bit a number, so that whatever is done to some of them takes no longer when there are millions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.table.arena import Arena
from monolith.table.compiling import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monolith.core.arrays import Indices

    Bits = NDArray[np.uint64]

UNBOUNDED = 1 << 62
WORD = 64
_ONE = np.uint64(1)


class Freed:
    """A set. What is not below `bound` is held back: it is not given. There is no bound at first.

    Reserves address space for `most` numbers: up to there it grows without a copy, and nobody waits for one.
    """

    def __init__(self, most: int = WORD) -> None:
        self.bound = UNBOUNDED
        self._arena = Arena(1, np.uint64, reserve=most // 8)
        self._words = 0
        self._count = 0
        self._begin = 0  # a word: those before it are empty

    def __len__(self) -> int:
        return self._count

    @property
    def _bits(self) -> Bits:
        bits: Bits = self._arena.array.reshape(-1)[: self._words]
        return bits

    def memory_bytes(self, end: int) -> int:
        """Bytes taken for the numbers below `end`."""
        return -(-end // WORD) * WORD // 8

    def cover(self, end: int) -> None:
        """Make room for numbers below `end`. What is done to those that are covered needs no memory.

        Raises:
            MemoryError: the system has no more.
        """
        words = max(self._words, -(-end // WORD))
        self._arena.ensure(words)
        self._words = words

    def put(self, numbers: Indices) -> None:
        """These are free from now on; they are covered."""
        added, lowest = _put(self._bits, numbers)
        self._count += added
        self._begin = min(self._begin, lowest // WORD)

    def lowest(self, count: int) -> Indices:
        """So many, ascending, or as many as there are below the bound."""
        numbers = np.empty(min(count, self._count), np.int64)
        found, self._begin = _lowest(self._bits, self._begin, self.bound, numbers)
        return numbers[:found]

    def take(self, numbers: Indices) -> int:
        """These are not free any more; they are covered. Returns how many were."""
        taken = _take(self._bits, numbers)
        self._count -= taken
        return taken

    def give_up(self, end: int, least: int) -> int:
        """Forget the highest of the numbers from `least` to `end`, as many as are all here; the new end."""
        lower = _give_up(self._bits, end, least)
        self._count -= end - lower
        return lower


@kernel
def _put(bits: Bits, numbers: Indices) -> tuple[int, int]:
    """How many were not there, and the lowest."""
    added, lowest = 0, UNBOUNDED
    for number in numbers:
        word, bit = number // WORD, _ONE << np.uint64(number % WORD)
        added += (bits[word] & bit) == 0
        bits[word] |= bit
        lowest = min(lowest, number)
    return added, lowest


@kernel
def _take(bits: Bits, numbers: Indices) -> int:
    taken = 0
    for number in numbers:
        word, bit = number // WORD, _ONE << np.uint64(number % WORD)
        taken += (bits[word] & bit) != 0
        bits[word] &= ~bit
    return taken


@kernel
def _lowest(bits: Bits, begin: int, bound: int, numbers: Indices) -> tuple[int, int]:
    """How many are found from the word `begin` on, and the first word that is not empty, or is too high."""
    end, found = min(len(bits), -(-bound // WORD)), 0
    while begin < end and bits[begin] == 0:
        begin += 1
    for word in range(begin, end):
        if found == len(numbers):
            break
        if bits[word] == 0:
            continue
        for number in range(word * WORD, min((word + 1) * WORD, bound)):
            if found < len(numbers) and bits[word] & (_ONE << np.uint64(number % WORD)):
                numbers[found] = number
                found += 1
    return found, begin


@kernel
def _give_up(bits: Bits, end: int, least: int) -> int:
    while end > least:
        word, bit = (end - 1) // WORD, _ONE << np.uint64((end - 1) % WORD)
        if not bits[word] & bit:
            break
        bits[word] &= ~bit
        end -= 1
    return end
