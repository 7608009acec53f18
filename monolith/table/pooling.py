"""From the rows of single ids to one input per example, and the way back for gradients."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from monolith.core.arrays import Floats, Rows, Splits


class Combiner(StrEnum):
    """How an example's rows become one: their sum, their mean, or the first few side by side."""

    SUM = "sum"
    MEAN = "mean"
    FIRST_N = "first_n"


def pool(
    rows: Rows, inverse: NDArray[np.int64], row_splits: Splits, combiner: Combiner, max_length: int = 0
) -> Floats:
    """Combine each example's rows; example b owns `rows[inverse[row_splits[b]:row_splits[b + 1]]]`.

    Args:
        rows: (U, dim), one for each unique id.
        inverse: (V,), which of `rows` each value of the feature means.
        row_splits: (B + 1,), where each example's values begin and end.
        combiner: SUM and MEAN give zeros for an example without values.
        max_length: what FIRST_N keeps; the others ignore it.

    Returns:
        (B, dim), or (B, max_length, dim) for FIRST_N, zeros behind a short example's last value.
    """
    raise NotImplementedError


def unpool(
    grad: Floats,
    inverse: NDArray[np.int64],
    row_splits: Splits,
    combiner: Combiner,
    max_length: int,
    into: Rows,
) -> None:
    """Add the gradient of `pool`'s result to each row that took part: `into` (U, dim) is changed in place."""
    raise NotImplementedError
