"""Raw values as a request carries them, and the batch they mean: where raw ids become fids."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Floats, Splits, splits_of
from monolith.core.batch import Batch, Ragged
from monolith.core.errors import InvalidRequest, SchemaError
from monolith.core.raw_ids import to_fids
from monolith.core.schema import Feature, Kind, Schema

PADDING = -1  # in an array of integers: no value here. In text it is the empty text.


@dataclass(frozen=True, slots=True)
class RawColumn:
    """The raw values of one feature for B rows: row i owns `values[row_splits[i]:row_splits[i + 1]]`."""

    values: NDArray[Any]  # (n,)
    row_splits: Splits  # (B + 1,)

    def __len__(self) -> int:
        return len(self.row_splits) - 1

    @staticmethod
    def of_array(name: str, array: NDArray[Any], *, padded: bool = True) -> RawColumn:
        """A column from an array [B] or [B, n]; where it is `padded`, rows may be shorter than n.

        Raises:
            InvalidRequest: the array has another rank, or bytes that are not UTF-8.
        """
        if array.ndim not in (1, 2):
            raise InvalidRequest(
                f"input {name!r} has shape {array.shape}: give [batch] or [batch, n]", input=name
            )
        if array.dtype == object:
            array = _decoded(name, array)
        grid = array.reshape(len(array), -1) if len(array) else array.reshape(0, 1)
        there = _there(grid) if padded else np.ones(grid.shape, np.bool_)
        return RawColumn(grid[there], splits_of(there.sum(axis=1)))

    @staticmethod
    def of_rows(name: str, rows: Sequence[Any]) -> RawColumn:
        """A column from one value, None, or list of values for each row, as JSON has them.

        Raises:
            InvalidRequest: a value is neither text nor a number.
        """
        lists = [row if isinstance(row, list) else [row] for row in rows]
        kept = [[v for v in row if v is not None and v != ""] for row in lists]
        flat = [v for row in kept for v in row]
        for value in flat:
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise InvalidRequest(f"input {name!r} has {value!r}, neither text nor a number", input=name)
        return RawColumn(np.array(flat, object), splits_of([len(row) for row in kept]))


def to_batch(schema: Schema, columns: Mapping[str, RawColumn]) -> Batch:
    """The batch that raw columns mean. A feature that is not given has no ids, or zeros.

    Raises:
        InvalidRequest: an input is no feature, has another number of rows, or values of another kind.
    """
    nothing = empty_batch(schema, _rows(schema, columns))
    sparse = {f.name: _ragged(f, columns[f.name]) for f in schema.sparse if f.name in columns}
    dense = {f.name: _dense(f, columns[f.name]) for f in schema.dense if f.name in columns}
    return Batch({**nothing.sparse, **sparse}, {**nothing.dense, **dense}, nothing.labels, nothing.weights)


def empty_batch(schema: Schema, rows: int) -> Batch:
    """Rows without any id, and with zeros for numbers."""
    return Batch(
        sparse={f.name: Ragged.empty(rows) for f in schema.sparse},
        dense={f.name: np.zeros((rows, f.width), np.float32) for f in schema.dense},
        labels=np.zeros(rows, np.float32),
        weights=np.ones(rows, np.float32),
    )


def _rows(schema: Schema, columns: Mapping[str, RawColumn]) -> int:
    known = [f.name for f in schema.features]
    for name in columns:
        if name not in known:
            raise _unknown(name, known)
    if not columns:
        raise InvalidRequest(f"the request has no inputs: the model takes {', '.join(known)}")
    (first, column), *others = columns.items()
    for name, other in others:
        if len(other) != len(column):
            raise InvalidRequest(
                f"input {name!r} has {len(other)} rows, but input {first!r} has {len(column)}", input=name
            )
    return len(column)


def _unknown(name: str, known: Sequence[str]) -> InvalidRequest:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return InvalidRequest(f"unknown input {name!r}{hint}: the model takes {', '.join(known)}", input=name)


def _ragged(feature: Feature, column: RawColumn) -> Ragged:
    lengths = np.diff(column.row_splits)
    if not feature.many and (lengths > 1).any():
        row = int(np.argmax(lengths > 1))
        raise InvalidRequest(
            f"input {feature.name!r} takes one value a row, and row {row} has {lengths[row]}",
            input=feature.name,
        )
    if feature.kind is Kind.STRING:
        _only_text(feature, column.values)
    try:
        return Ragged(to_fids(feature, column.values), column.row_splits)
    except SchemaError as exc:
        raise InvalidRequest(f"input {feature.name!r}: {exc}", input=feature.name) from exc


def _only_text(feature: Feature, values: NDArray[Any]) -> None:
    """The number 7 and the text "7" have different ids: who sends the wrong one would get zeros, silently."""
    wrong = [v for v in values.tolist() if not isinstance(v, str)]
    if wrong:
        raise InvalidRequest(f"input {feature.name!r} takes text, not {wrong[0]!r}", input=feature.name)


def _dense(feature: Feature, column: RawColumn) -> Floats:
    """(B, width) numbers; a row that holds none is zeros, as in training."""
    lengths = np.diff(column.row_splits)
    there = lengths == feature.width
    if (wrong := ~there & (lengths > 0)).any():
        row = int(np.argmax(wrong))
        raise InvalidRequest(
            f"input {feature.name!r} takes {feature.width} numbers a row, and row {row} has {lengths[row]}",
            input=feature.name,
        )
    dense = np.zeros((len(column), feature.width), np.float32)
    try:
        dense[there] = column.values.astype(np.float32).reshape(-1, feature.width)
    except (TypeError, ValueError) as exc:
        raise InvalidRequest(f"input {feature.name!r} takes numbers: {exc}", input=feature.name) from exc
    return dense


def _there(grid: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a grid [B, n] has values rather than padding."""
    if grid.dtype.kind == "i":
        return np.asarray(grid != PADDING)
    if grid.dtype.kind in "OU":
        return np.asarray(grid != "", np.bool_)
    return np.ones(grid.shape, np.bool_)


def _decoded(name: str, array: NDArray[Any]) -> NDArray[Any]:
    try:
        texts = [v.decode() if isinstance(v, bytes) else v for v in array.reshape(-1).tolist()]
    except UnicodeDecodeError as exc:
        raise InvalidRequest(
            f"input {name!r} has text that is not UTF-8: {exc.object!r}", input=name
        ) from exc
    return np.array(texts, object).reshape(array.shape)
