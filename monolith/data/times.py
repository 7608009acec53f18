"""Columns that say when: numbers, timestamps, or text of either."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import LAST_SECOND
from monolith.core.batch import Batch
from monolith.core.schema import Schema
from monolith.data.raw import Chunk, numbers

_NEITHER = "which is neither a number nor a timestamp"


def dated(schema: Schema, batch: Batch, chunk: Chunk) -> Batch:
    """`batch`, made of `chunk`, with the event times of its rows if `schema` names their column.

    Raises:
        SchemaError: a value is neither a number nor a timestamp, or is before 1970 or after 2106.
    """
    if not schema.time:
        return batch
    told = seconds(chunk, schema.time)
    beyond = (told < 0) | (told > LAST_SECOND)
    if beyond.any():
        why = "which is before 1970 or after 2106, in seconds since 1970"
        raise chunk.refuse(schema.time, int(beyond.argmax()), why)
    return replace(batch, times=told.astype(np.uint32))


def seconds(chunk: Chunk, column: str) -> NDArray[Any]:
    """Seconds as float64: numbers as they are, timestamps since 1970.

    Raises:
        SchemaError: a value is neither a number nor a timestamp.
    """
    values = chunk[column]
    if values.dtype.kind == "M":
        return _since_1970(chunk, column, values)
    if values.dtype.kind == "O" and not _is_number(values[0]):
        return _since_1970(chunk, column, _timestamps(chunk, column))
    return numbers(chunk, column)


def _since_1970(chunk: Chunk, column: str, stamps: NDArray[Any]) -> NDArray[Any]:
    if (gone := np.isnat(stamps)).any():
        raise chunk.refuse(column, int(np.argmax(gone)), _NEITHER)
    return stamps.astype("datetime64[us]").astype(np.int64) / 1e6


def _timestamps(chunk: Chunk, column: str) -> NDArray[Any]:
    """ISO 8601 text as UTC."""
    stamps = np.empty(len(chunk), "datetime64[us]")
    for row, value in enumerate(chunk[column].tolist()):
        try:
            stamps[row] = value.removesuffix("Z") if isinstance(value, str) else value
        except (TypeError, ValueError):
            raise chunk.refuse(column, row, _NEITHER) from None
    return stamps


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
