"""How raw values become feature ids.

A raw integer in 0..2**48 - 1 is its own value: it never collides. Everything else is hashed to 48 bits:
XXH64 with seed 0, of the text's UTF-8 bytes or of the integer's 8 little-endian bytes, low 48 bits kept.
Among n hashed values of a slot about n**2 / 2**49 pairs collide (birthday): with 1e6 the odds that any
pair does are 0.18 %, with 1e8 about 18 pairs do. docs/ids.md has the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Flags, splits_of
from monolith.core.batch import Ragged
from monolith.core.errors import SchemaError
from monolith.core.fids import VALUE_MASK, slot_base
from monolith.core.schema import Feature, Kind

_WORD = (1 << 64) - 1


def hash48(value: str | int) -> int:
    """The 48-bit value that stands for text, or for an integer outside 0..2**48 - 1."""
    data = value.encode() if isinstance(value, str) else (value & _WORD).to_bytes(8, "little")
    return xxhash.xxh64_intdigest(data) & VALUE_MASK


def to_fids(feature: Feature, raw: Any) -> Fids:
    """The (n,) fids of n raw values of `feature`, one each.

    Raises:
        SchemaError: a value of an integer feature is not an integer; the value is named.
    """
    values = np.asarray(raw)
    if feature.kind is Kind.INTEGER:
        return _from_integers(feature, _integers(feature, values))
    return slot_base(feature.slot) | _hashed(list(map(str, values.tolist())))


def to_ragged(feature: Feature, raw: Any) -> Ragged:
    """The ids of n raw values, row by row.

    A value that is missing (None, NaN, empty text) has no id. A value of a `many` feature is a list, or text
    with one id for each part between separators.

    Raises:
        SchemaError: as `to_fids`; or a value of another feature is a list.
    """
    values = np.asarray(raw)
    if feature.many:
        return _split(feature, values)
    _refuse_lists(feature, values)
    there = ~missing(values)
    return Ragged(to_fids(feature, values[there]), splits_of(there))


def missing(values: NDArray[Any]) -> Flags:
    """Where `values` are None, NaN or empty text, (n,)."""
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values))
    if values.dtype.kind in "iub":
        return np.zeros(len(values), np.bool_)
    return np.array([_gone(v) for v in values.tolist()], np.bool_)


class _Hashes(dict[Any, int]):
    """Remembers the hash of each value it is asked for: raw columns repeat themselves."""

    def __missing__(self, value: Any) -> int:
        self[value] = found = hash48(value)
        return found


def _hashed(values: Sequence[str] | Sequence[int]) -> Fids:
    return np.fromiter(map(_Hashes().__getitem__, values), np.int64, len(values))


def _from_integers(feature: Feature, values: Fids) -> Fids:
    outside = (values < 0) | (values > VALUE_MASK)
    if outside.any():
        values = values.copy()
        values[outside] = _hashed(values[outside].tolist())
    return slot_base(feature.slot) | values


def _integers(feature: Feature, values: NDArray[Any]) -> Fids:
    """`values` as int64; an unsigned one above 2**63 - 1 keeps its 64 bits, and so its hash."""
    if values.dtype.kind in "iub":
        return values.astype(np.int64)
    whole = [_integer(feature, v) & _WORD for v in values.tolist()]
    return np.array(whole, np.uint64).view(np.int64)


def _integer(feature: Feature, value: Any) -> int:
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        whole = None
    if whole is not None and (isinstance(value, str) or whole == value) and -(1 << 63) <= whole <= _WORD:
        return whole
    raise SchemaError(f"feature {feature.name!r} is declared integer, but has the value {value!r}")


class _Parts(dict[str, list[str]]):
    """Splits each text that it is asked for once: raw columns repeat themselves."""

    def __init__(self, separator: str) -> None:
        super().__init__()
        self._separator = separator

    def __missing__(self, text: str) -> list[str]:
        self[text] = parts = [p for p in text.split(self._separator) if p]
        return parts


def _split(feature: Feature, values: NDArray[Any]) -> Ragged:
    parts = _Parts(feature.separator)
    rows = [_listed(v) if isinstance(v, list) else parts["" if _gone(v) else str(v)] for v in values.tolist()]
    flat = [part for row in rows for part in row]
    return Ragged(to_fids(feature, np.array(flat, object)), splits_of([len(row) for row in rows]))


def _listed(values: list[Any]) -> list[Any]:
    return [v for v in values if not _gone(v)]


def _gone(value: Any) -> bool:
    return bool(value is None or value == "" or value != value)


def _refuse_lists(feature: Feature, values: NDArray[Any]) -> None:
    if values.dtype == object:
        for value in values.tolist():
            if isinstance(value, list):
                raise SchemaError(f"feature {feature.name!r} takes one value a row, but has {value!r}")
