"""Where the rows of a lookup go: out of the message that brought them, straight into the asker's array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Indices
from monolith.table.compiling import given
from monolith.table.copying import scatter

FIRST = np.uint64(0)  # column


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
        elif self.array.ndim == 1:
            self.array[self.at[start:stop]] = answers
        else:  # asks for memory ahead, as numpy does not: of two servers a client takes 1.13 x as many rows
            rows = given(answers.astype(self.array.dtype, copy=False))
            scatter(self.array, self.at[start:stop], FIRST, rows)
