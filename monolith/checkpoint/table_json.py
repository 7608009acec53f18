"""A table's configuration as JSON, and back: each value is an object whose `kind` is its class."""

from __future__ import annotations

import re
from typing import Any

import attrs

from monolith.table import config as configs
from monolith.table.config import TableConfig


def table_to_json(table: TableConfig) -> dict[str, Any]:
    """`table` as objects, lists and numbers; every field is written, also those at their default."""
    plain: dict[str, Any] = _plain(table)
    return plain


def table_from_json(given: dict[str, Any]) -> TableConfig:
    """The table that `table_to_json` wrote.

    Raises:
        ValueError: a kind is unknown, or the whole is no table.
        TypeError: a field is unknown or missing.
    """
    match _built(given):
        case TableConfig() as table:
            return table
        case other:
            raise ValueError(f"a table is expected, not {other!r}")


def _word(cls: type) -> str:
    """`RandomUniform` → `random_uniform`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


_KINDS = {_word(c): c for c in vars(configs).values() if isinstance(c, type) and attrs.has(c)}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if attrs.has(type(value)):
        fields = {f.name: _plain(getattr(value, f.name)) for f in attrs.fields(type(value))}
        return {"kind": _word(type(value)), **fields}
    return value


def _built(given: Any) -> Any:
    if isinstance(given, list):
        return tuple(_built(each) for each in given)
    if not isinstance(given, dict):
        return given
    fields = {name: _built(value) for name, value in given.items() if name != "kind"}
    kind = given.get("kind")
    if kind not in _KINDS:
        raise ValueError(f"kind {kind!r} is not known (known: {', '.join(_KINDS)})")
    return _KINDS[kind](**fields)
