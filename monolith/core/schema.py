"""What a dataset's columns mean: the small file that travels with the data, and with an exported model."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, TypeVar

import attrs

from monolith.core.errors import SchemaError


class Kind(StrEnum):
    """What the raw values of a feature are."""

    INTEGER = "integer"  # an id: kept as it is below 2**48, hashed above
    STRING = "string"  # an id: hashed
    FLOAT = "float"  # numbers, not ids


def _kind(value: str) -> Kind:
    try:
        return Kind(value)
    except ValueError:
        raise SchemaError(f"unknown kind {value!r}: must be one of {', '.join(Kind)}") from None


@attrs.frozen(kw_only=True)
class Feature:
    """One column. A sparse feature has a `slot`, a dense one a `width`."""

    name: str
    kind: Kind = attrs.field(converter=_kind)
    slot: int = 0  # 1..32767, unique in the schema; 0 for dense features
    width: int = 1  # numbers per row of a dense feature
    many: bool = False  # a sparse feature with several values per row
    separator: str = "|"  # between the values of a `many` feature in CSV text
    column: str = ""  # what the raw data calls it; empty: its name

    @property
    def sparse(self) -> bool:
        return self.kind is not Kind.FLOAT


@attrs.frozen(kw_only=True)
class Label:
    """The column to predict; with a `threshold` it is 1 where the raw value is at least that, else 0."""

    column: str = "label"
    threshold: float | None = None


@attrs.frozen(kw_only=True)
class Split:
    """How rows fall into train, valid and test: by time where there is a `time` column, else by lot."""

    time: str = ""  # column of numbers or timestamps; empty: a seeded draw per row
    valid: float = 0.1
    test: float = 0.1
    seed: int = 0

    @property
    def possible(self) -> bool:
        return self.valid >= 0 and self.test >= 0 and self.valid + self.test < 1


def _all(features: Iterable[Feature]) -> tuple[Feature, ...]:
    return tuple(features)


@attrs.frozen(kw_only=True)
class Schema:
    """The features of a dataset, its label, its split and its licence."""

    name: str
    features: tuple[Feature, ...] = attrs.field(converter=_all)
    label: Label = Label()
    split: Split = Split()
    weight: str = ""  # column of example weights; empty: all 1
    sample_rate: str = ""  # column of the chance with which a negative like the row was kept; empty: all 1
    time: str = ""  # column of event times, seconds since 1970 or timestamps; empty: nobody knows
    licence: str = ""
    source: str = ""

    def __attrs_post_init__(self) -> None:
        for problem in self._problems():
            raise SchemaError(f"schema {self.name}: {problem}")

    def _problems(self) -> list[str]:
        names = [f.name for f in self.features]
        slots = [f.slot for f in self.sparse]
        said = [f"feature {n!r} stands there twice" for n in sorted({n for n in names if names.count(n) > 1})]
        said += [f"slot {s} is used twice" for s in sorted({s for s in slots if slots.count(s) > 1})]
        said += [
            f"feature {f.name!r} has slot {f.slot}, which is not in 1..32767"
            for f in self.sparse
            if not 1 <= f.slot <= 32767
        ]
        said += [f"feature {f.name!r} has width {f.width}, must be > 0" for f in self.dense if f.width < 1]
        if not self.split.possible:
            said.append(f"split valid={self.split.valid}, test={self.split.test} leaves nothing to train on")
        return said

    @property
    def sparse(self) -> tuple[Feature, ...]:
        return tuple(f for f in self.features if f.sparse)

    @property
    def dense(self) -> tuple[Feature, ...]:
        return tuple(f for f in self.features if not f.sparse)

    def __getitem__(self, name: str) -> Feature:
        for feature in self.features:
            if feature.name == name:
                return feature
        known = ", ".join(f.name for f in self.features)
        raise SchemaError(f"schema {self.name} has no feature {name!r} (features: {known})")

    def to_dict(self) -> dict[str, Any]:
        """Plain types that TOML and JSON can hold; defaults are left out."""
        plain: dict[str, Any] = _plain(self)
        return plain

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> Schema:
        """The schema that `to_dict` wrote, or that a person did.

        Raises:
            SchemaError: an unknown key, a missing one, or a value that cannot be.
        """
        parts = {name: _made(kind, given[name]) for name, kind in _PARTS.items() if name in given}
        if "features" in given:
            parts["features"] = [_made(Feature, one) for one in given["features"]]
        return _made(cls, {**given, **parts})


_PARTS: dict[str, type[Any]] = {"label": Label, "split": Split}
T = TypeVar("T")


def _made(cls: type[T], given: Any) -> T:
    """One part of a schema from its table in the file, or a SchemaError that names what is wrong there."""
    what = cls.__name__.lower()
    if not isinstance(given, dict):
        raise SchemaError(f"{what} must be a table of settings, not {given!r}")
    if "name" in given:
        what += f" {given['name']!r}"
    _check_keys(what, given, attrs.fields(cls))  # type: ignore[arg-type]  # every part is an attrs class
    try:
        return cls(**given)
    except SchemaError:
        raise
    except (TypeError, ValueError) as exc:
        raise SchemaError(f"{what} cannot be: {exc}") from exc


def _check_keys(what: str, given: dict[str, Any], fields: tuple[attrs.Attribute[Any], ...]) -> None:
    known = [f.name for f in fields]
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise SchemaError(f"unknown key {key!r} in {what} ({hint})")
    for f in fields:
        if f.default is attrs.NOTHING and f.name not in given:
            raise SchemaError(f"{what} lacks {f.name!r}")


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if attrs.has(type(value)):
        held = {f.name: (getattr(value, f.name), f.default) for f in attrs.fields(type(value))}
        return {name: _plain(v) for name, (v, default) in held.items() if v != default and v is not None}
    return str(value) if isinstance(value, StrEnum) else value
