"""From the rows of single ids to one input per example, and the way back for gradients.

Pooling is a sparse matrix: entry (output, row) says that a row counts towards an output. Forwards it
multiplies rows, backwards its transpose multiplies gradients, so one kernel does both.
"""

from __future__ import annotations

import reprlib
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from monolith.core.arrays import as_matrix, as_rows, whole_numbers
from monolith.core.choice import choice
from monolith.core.errors import ConfigError
from monolith.table.compiling import given, kernel

if TYPE_CHECKING:
    from monolith.core.arrays import Floats, Indices, Rows, Splits


class Combiner(StrEnum):
    """How an example's n rows become one: sum, mean, sum / √n, or the first side by side."""

    SUM = "sum"
    MEAN = "mean"
    SQRTN = "sqrtn"
    FIRST_N = "first_n"


_SHARES = {Combiner.MEAN: 1.0, Combiner.SQRTN: 0.5}  # one of n values counts for n to the minus this


def pool(rows: Rows, inverse: Indices, row_splits: Splits, combiner: Combiner, max_length: int = 0) -> Floats:
    """Combine each example's rows; example b owns `rows[inverse[row_splits[b]:row_splits[b + 1]]]`.

    Args:
        rows: (U, dim), one for each unique id.
        inverse: (V,), which of `rows` each value of the feature means.
        row_splits: (B + 1,), where each example's values begin and end.
        combiner: one, or its name; all give zeros for an example without values.
        max_length: how many values FIRST_N keeps, >= 1; the others ignore it.

    Returns:
        (B, dim), or (B, max_length, dim) for FIRST_N, zeros behind a short example's last value.

    Raises:
        ConfigError: FIRST_N without a max_length, an unknown combiner, rows that are no numbers or not side
            by side, or `inverse` means rows that are not there, or is not what `row_splits` divides.
    """
    combiner, rows = choice(Combiner, combiner, "combiner"), as_matrix(rows)
    inputs, outputs = _entries(inverse, row_splits, combiner, max_length, len(rows))
    batch, dim = len(row_splits) - 1, rows.shape[1]
    pooled = np.zeros((batch * _width(combiner, max_length), dim), np.float32)
    _add(given(rows), inputs, outputs, pooled)
    if combiner in _SHARES:
        pooled *= _shares(combiner, row_splits)
    return pooled.reshape(batch, max_length, dim) if combiner is Combiner.FIRST_N else pooled


def unpool(
    grad: Floats, inverse: Indices, row_splits: Splits, combiner: Combiner, max_length: int, into: Rows
) -> None:
    """Add the gradient of `pool`'s result to each row that took part: `into` (U, dim) is changed in place.

    Raises:
        ConfigError: as `pool`.
        DimensionMismatch: `grad` has not as many values as `pool`'s result.
    """
    combiner = choice(Combiner, combiner, "combiner")
    inputs, outputs = _entries(inverse, row_splits, combiner, max_length, len(into))
    flat = as_rows(grad, (len(row_splits) - 1) * _width(combiner, max_length), into.shape[1])
    if combiner in _SHARES:
        flat = flat * _shares(combiner, row_splits)
    _add(given(flat), outputs, inputs, into)


def _width(combiner: Combiner, max_length: int) -> int:
    """Outputs of an example."""
    if combiner is not Combiner.FIRST_N:
        return 1
    if not isinstance(max_length, int | np.integer) or max_length < 1:
        raise ConfigError(
            [f"max_length={max_length!r}: {combiner} must keep at least 1 value, a whole number"]
        )
    return max_length


def _entries(
    inverse: Indices, row_splits: Splits, combiner: Combiner, max_length: int, rows: int
) -> tuple[Indices, Indices]:
    """Which of so many rows counts towards which output, value by value."""
    inverse, row_splits = whole_numbers(inverse, "inverse"), whole_numbers(row_splits, "row_splits")
    width, examples = _width(combiner, max_length), _examples(inverse, row_splits, rows)
    if combiner is not Combiner.FIRST_N:
        return inverse, examples
    rank = np.arange(len(examples)) - row_splits[:-1][examples]
    kept = rank < width
    return inverse[kept], (examples * width + rank)[kept]


def _examples(inverse: Indices, row_splits: Splits, rows: int) -> Indices:
    """Whose each value is, (V,); what would have a kernel read or write beyond an array is refused."""
    examples = np.empty(len(inverse), np.int64)
    strays = _number(given(inverse), given(row_splits), rows, examples)
    if strays < 0:
        told = reprlib.repr(row_splits.tolist())
        raise ConfigError([f"row_splits {told}: must ascend from 0 to {len(inverse)}"])
    if strays:
        first = inverse[(inverse < 0) | (inverse >= rows)][0]
        raise ConfigError([f"inverse means row {first}, of {rows} rows"])
    return examples


def _shares(combiner: Combiner, row_splits: Splits) -> Floats:
    """What one value of each example counts for, (B, 1)."""
    lengths = np.maximum(np.diff(row_splits), 1)
    return (lengths ** -_SHARES[combiner]).astype(np.float32)[:, None]


@kernel
def _number(inverse: Indices, row_splits: Splits, rows: int, examples: Indices) -> int | np.int64:
    """Fill `examples`; how many values mean none of so many rows, or -1 where splits do not fit."""
    values, ends = len(inverse), len(row_splits)
    if ends == 0 or row_splits[0] != 0 or row_splits[ends - 1] != values:
        return -1
    for b in range(ends - 1):
        if not row_splits[b] <= row_splits[b + 1] <= values:
            return -1
        for v in range(row_splits[b], row_splits[b + 1]):
            examples[v] = b
    strays = np.int64(0)
    for v in range(values):  # to the end, whatever comes: so it is done four at a time
        strays += np.int64(inverse[v] < 0) | np.int64(inverse[v] >= rows)
    return strays


@kernel
def _add(source: Rows, origins: Indices, targets: Indices, into: Rows) -> None:
    """into[targets[k]] += source[origins[k]], one after the other."""
    for k in range(len(origins)):
        origin, target = np.uint64(origins[k]), np.uint64(targets[k])
        for j in range(np.uint64(into.shape[1])):
            into[target, j] += source[origin, j]
