"""Where the rows of a lookup go: out of the message that brought them, straight into the asker's array."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Indices


@dataclass(frozen=True, slots=True)
class Destination:
    """Of n answers: the places `at` (n,) of `array`, which is contiguous; None: all of it, in order.

    An answer is a row, if `array` is (m, dim), or one number, if it is (m,).
    """

    array: NDArray[Any]
    at: Indices | None = None

    def __post_init__(self) -> None:
        if not self.array.flags.c_contiguous:  # rows written to a copy of it would be lost
            raise ValueError("the array that answers go to must be contiguous")

    @property
    def whole(self) -> NDArray[Any] | None:
        """The array if it is for these answers alone, and in their order, so that they may be made in it."""
        return self.array if self.at is None else None

    def put(self, answers: NDArray[Any], start: int = 0) -> None:
        """Write the answers from the one numbered `start` on, as numbers of the array's own kind."""
        if answers is self.array:  # they were made in it
            return
        stop = start + len(answers)
        if self.at is None:
            self.array[start:stop] = answers
        else:
            _cells(self.array)[self.at[start:stop]] = _cells(answers.astype(self.array.dtype, copy=False))


def _cells(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows (n, dim) as n elements, which numpy moves faster than it moves rows; (n,) as it is."""
    if rows.ndim == 1:
        return rows
    return np.ascontiguousarray(rows).view(_cell(rows.itemsize * rows.shape[1])).reshape(len(rows))


@cache
def _cell(size: int) -> np.dtype[Any]:
    """What is `size` bytes long and nothing else; cached, for making it takes as long as moving some rows."""
    return np.dtype(f"V{size}")
