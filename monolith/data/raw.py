"""Raw columns, as files hold them, made into batches of ids and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Floats
from monolith.core.batch import Batch, Ragged
from monolith.core.errors import SchemaError
from monolith.core.raw_ids import missing, to_ragged
from monolith.core.schema import Feature, Schema

Column = NDArray[Any]  # (n,) of text, numbers, times, or objects where values are missing


@attrs.frozen
class Chunk:
    """Some rows of a source: its columns, all of one length."""

    columns: Mapping[str, Column]
    source: str  # what to call the source when a value is wrong, e.g. the file's path
    first_row: int = 1  # the number that people give to the first row of this chunk

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Column:
        try:
            return self.columns[name]
        except KeyError:
            known = ", ".join(self.columns)
            raise SchemaError(f"there is no column {name!r} (columns: {known})", path=self.source) from None

    def refuse(self, column: str, row: int, why: str) -> SchemaError:
        """An error that names the value in `row` of this chunk."""
        value = self[column][row]
        return SchemaError(
            f"row {self.first_row + row}: column {column!r} is {value!r}, {why}", path=self.source
        )


def needed(schema: Schema) -> list[str]:
    """The columns that `schema` reads, each once."""
    names = [f.column or f.name for f in schema.features]
    told = (schema.label.column, schema.weight, schema.sample_rate, schema.time, schema.split.time)
    return list(dict.fromkeys([*names, *filter(None, told)]))


def to_batch(schema: Schema, chunk: Chunk) -> Batch:
    """The rows of `chunk` as `schema` reads them.

    A missing id is no id, a missing number of a feature is 0, a missing weight or sample rate 1.

    Raises:
        SchemaError: a column is missing, or a value is not what the schema says; source and row are named.
    """
    return Batch(
        {f.name: _ids(f, chunk) for f in schema.sparse},
        {f.name: _dense(f, chunk) for f in schema.dense},
        _labels(schema, chunk),
        _weights(schema, chunk),
        sample_rates=_sample_rates(schema, chunk),
    )


def numbers(chunk: Chunk, column: str, absent: float | None = None) -> NDArray[np.float64]:
    """A column of finite numbers; text is read as numbers. What is missing is `absent`, or refused if None.

    Raises:
        SchemaError: a value is not a number.
    """
    values = chunk[column]
    if absent is not None and (gone := missing(values)).any():
        values = np.where(gone, absent, values.astype(object))
    try:
        read = values.astype(np.float64)
    except (TypeError, ValueError):
        raise chunk.refuse(column, _first_bad(values), "which is not a number") from None
    if not np.isfinite(read).all():
        raise chunk.refuse(column, int(np.argmin(np.isfinite(read))), "which is not a finite number")
    return read


def _first_bad(values: Column) -> int:
    for row, value in enumerate(values.tolist()):
        try:
            float(value)
        except (TypeError, ValueError):
            return row
    raise AssertionError("numpy and Python disagree about what a number is")


def _ids(feature: Feature, chunk: Chunk) -> Ragged:
    values = chunk[feature.column or feature.name]
    try:
        return to_ragged(feature, values)
    except SchemaError as exc:
        row = next(row for row in range(len(values)) if not _has_ids(feature, values[row : row + 1]))
        said = f"row {chunk.first_row + row}: {exc}: mend the value, or the schema"
        raise SchemaError(said, path=chunk.source) from exc


def _has_ids(feature: Feature, values: Column) -> bool:
    try:
        to_ragged(feature, values)
    except SchemaError:
        return False
    return True


def _labels(schema: Schema, chunk: Chunk) -> Floats:
    raw = numbers(chunk, schema.label.column)
    threshold = schema.label.threshold
    return (raw if threshold is None else raw >= threshold).astype(np.float32)


def _weights(schema: Schema, chunk: Chunk) -> Floats:
    if not schema.weight:
        return np.ones(len(chunk), np.float32)
    return numbers(chunk, schema.weight, absent=1).astype(np.float32)


def _sample_rates(schema: Schema, chunk: Chunk) -> Floats | None:
    if not schema.sample_rate:
        return None
    rates = numbers(chunk, schema.sample_rate, absent=1).astype(np.float32)
    if not (possible := (rates > 0) & (rates <= 1)).all():
        raise chunk.refuse(schema.sample_rate, int(possible.argmin()), "which is not above 0 and at most 1")
    return rates


def _dense(feature: Feature, chunk: Chunk) -> Floats:
    """(n, width) numbers; wider than 1, a value is a list, or text with separators."""
    column = feature.column or feature.name
    if feature.width == 1:
        return numbers(chunk, column, absent=0).astype(np.float32).reshape(-1, 1)
    block = np.zeros((len(chunk), feature.width), np.float32)
    for row, value in enumerate(chunk[column].tolist()):
        if value in (None, "", []):
            continue
        vector = _vector(value.split(feature.separator) if isinstance(value, str) else value)
        if vector.shape != (feature.width,):
            raise chunk.refuse(column, row, f"which is not {feature.width} finite numbers")
        block[row] = vector
    return block


def _vector(values: Any) -> Floats:
    """`values` as an array; an empty one if they are not all finite numbers."""
    try:
        read = np.array(values, np.float32)
    except (TypeError, ValueError):
        return np.empty(0, np.float32)
    return read if np.isfinite(read).all() else np.empty(0, np.float32)
