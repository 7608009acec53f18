"""Rows written by hand, as the tensors of a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monolith.core.errors import InvalidRequest
from monolith.serving.columns import PADDING


def to_arrays(rows: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """Each feature's values as [B, n], n being the most that any row has; missing ones are padding.

    Text, integers and other numbers become arrays of objects, int64 and float32.

    Raises:
        InvalidRequest: a feature's values are of different kinds, or some rows have more numbers than others.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _array(name, [_listed(row.get(name)) for row in rows]) for name in names}


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _array(name: str, rows: Sequence[list[Any]]) -> NDArray[Any]:
    longest = max(map(len, rows))
    padding, dtype = _kind(name, [v for row in rows for v in row])
    if padding is None:
        if any(len(row) not in {0, longest} for row in rows):
            raise InvalidRequest(f"input {name!r} has more numbers in some rows than in others", input=name)
        padding = 0.0  # a feature that is left out is zeros, as it is in training
    padded = [[*row, *[padding] * (longest - len(row))] for row in rows]
    return np.array(padded, dtype).reshape(len(rows), longest)


def _kind(name: str, values: Sequence[Any]) -> tuple[Any, type[Any]]:
    """What stands where a value is missing, and the dtype."""
    kinds = {type(v) for v in values}
    if kinds <= {str}:
        return "", object
    if kinds == {int}:
        return PADDING, np.int64
    if kinds <= {int, float}:
        return None, np.float32
    raise InvalidRequest(
        f"input {name!r} mixes kinds of values: {', '.join(sorted(k.__name__ for k in kinds))}", input=name
    )
