"""From columns off the wire to a Batch: what both forms of example have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Floats
from monolith.core.batch import Batch, Ragged
from monolith.core.errors import DataError, SchemaError
from monolith.core.fids import v1_to_v2
from monolith.core.schema import Feature, Schema
from monolith.wire.scan import DOUBLES, FID_V1, FID_V2, FLOATS, INT64S, Column

LABEL = "__LABEL__"
WEIGHT = "instance_weight"
LINE_ID = "__LINE_ID__"
TIME = "__REQ_TIME__"  # ours: the event time of a row, which upstream has in its line id
SAMPLE_RATE = "__SAMPLE_RATE__"  # ours too, and for the same reason
MAX_ROWS = (
    1 << 20
)  # of one batch on the wire; it can name its size in five bytes, so the size is bounded here
MAX_VALUES = 1 << 27  # of a shared feature, written once and repeated for each row

Lookup: TypeAlias = Callable[[str], Column | None]

_KINDS = {FID_V1: "ids", FID_V2: "ids", FLOATS: "floats", DOUBLES: "doubles", INT64S: "integers"}


def assembled(schema: Schema, rows: int, lookup: Lookup) -> Batch:
    """The Batch of `rows` rows that `schema` describes, out of the columns that `lookup` finds by name.

    Raises:
        DataError: a column has another number of rows.
        SchemaError: a column holds something else than the schema says.
    """
    labels, weights, times, rates = lookup(LABEL), lookup(WEIGHT), lookup(TIME), lookup(SAMPLE_RATE)
    return Batch(
        {f.name: _ids(f, lookup(f.name), rows) for f in schema.sparse},
        {f.name: _floats(f.name, lookup(f.name), rows, f.width) for f in schema.dense},
        _floats(LABEL, labels, rows, 1).reshape(-1),
        _floats(WEIGHT, weights, rows, 1, missing=1).reshape(-1),
        None if times is None or times.kind == 0 else _times(times, rows),
        None if rates is None or rates.kind == 0 else _sample_rates(rates, rows),
    )


def _times(column: Column, rows: int) -> NDArray[np.uint32]:
    """(rows,) seconds; a row that holds nothing is 0."""
    column = _spread(TIME, column, rows)
    there = np.diff(column.row_splits)
    if column.kind not in (DOUBLES, INT64S) or (there > 1).any():
        raise SchemaError(f"feature {TIME!r} holds something else than one number of seconds a row")
    beyond = ~((column.values >= 0) & (column.values <= np.iinfo(np.uint32).max))
    if beyond.any():
        value = column.values[beyond.argmax()]
        raise SchemaError(f"feature {TIME!r} holds {value}: must be 0..4294967295, in seconds since 1970")
    times = np.zeros(rows, np.uint32)
    times[there == 1] = column.values.astype(np.uint32)
    return times


def _sample_rates(column: Column, rows: int) -> Floats:
    """(rows,) chances; a row that holds nothing is 1."""
    rates = _floats(SAMPLE_RATE, column, rows, 1, missing=1).reshape(-1)
    if not (possible := (rates > 0) & (rates <= 1)).all():
        value = rates[possible.argmin()]
        raise SchemaError(f"feature {SAMPLE_RATE!r} holds {value}: must be above 0 and at most 1")
    return rates


def _ids(feature: Feature, column: Column | None, rows: int) -> Ragged:
    if column is None or column.kind == 0:
        return Ragged.empty(rows)
    if column.kind not in (FID_V1, FID_V2):
        raise SchemaError(f"feature {feature.name!r} holds {_KINDS[column.kind]}, the schema wants ids")
    column = _spread(feature.name, column, rows)
    return Ragged(v1_to_v2(column.values) if column.kind == FID_V1 else column.values, column.row_splits)


def _floats(name: str, column: Column | None, rows: int, width: int, missing: float = 0) -> Floats:
    """(rows, width) numbers; a row that holds nothing is `missing`."""
    if column is None or column.kind == 0:
        return np.full((rows, width), missing, np.float32)
    if column.kind in (FID_V1, FID_V2):
        raise SchemaError(f"feature {name!r} holds ids, the schema wants numbers")
    column = _spread(name, column, rows)
    lengths = np.diff(column.row_splits)
    there = lengths == width
    if there.all():
        return column.values.astype(np.float32, copy=False).reshape(rows, width)
    wrong = np.flatnonzero(~there & (lengths > 0))
    if len(wrong):
        raise SchemaError(f"feature {name!r} has {lengths[wrong[0]]} numbers in row {wrong[0]}, not {width}")
    filled = np.full((rows, width), missing, np.float32)
    filled[there] = column.values.reshape(-1, width)
    return filled


def _spread(name: str, column: Column, rows: int) -> Column:
    """`column` with a row for each of `rows`, a shared one repeated."""
    have = len(column.row_splits) - 1
    if not column.shared:
        if have != rows:
            raise DataError(f"feature {name!r} has {have} rows, the batch has {rows}")
        return column
    if have != 1 or len(column.values) * rows > MAX_VALUES:
        raise DataError(
            f"shared feature {name!r} has {have} rows, {len(column.values)} values: cannot be repeated"
        )
    splits = np.arange(rows + 1, dtype=np.int64) * len(column.values)
    return Column(False, column.kind, np.tile(column.values, rows), splits)
