"""Fields of the definition of a table, judged as they are set."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import attrs
import numpy as np

from monolith.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

Check: TypeAlias = "Callable[[Any], str | None]"  # a value in, a complaint or nothing out

FLOAT32_MAX = 3.4028234e38
INT64_MAX = 2**63 - 1


def number(default: float, *checks: Check) -> Any:
    """A field that holds a number; None is the default. What a check has to say is raised as ConfigError.

    Where the default is a float, every number becomes one: kernels are compiled for floats. They are told a
    float32, so what that makes of the number must pass the checks, too. Where the default is no float, the
    number must be whole.
    """
    return _number(type(default), default, checks)


def whole(*checks: Check) -> Any:
    """As `number`, of a whole one that must be given."""
    return _number(int, attrs.NOTHING, checks)


def _number(kind: type[float], default: Any, checks: tuple[Check, ...]) -> Any:
    def convert(value: Any) -> Any:
        given = default if value is None and default is not attrs.NOTHING else value
        try:
            converted = kind(given)
        except (TypeError, ValueError, OverflowError):
            return given
        return converted if kind is float or converted == given else given

    def judge(owner: object, field: attrs.Attribute[float], value: Any) -> None:
        if not isinstance(value, kind):
            _refuse(owner, field, value, ["must be a whole number" if kind is int else "must be a number"])
        most, held_by = (INT64_MAX, "int64") if kind is int else (FLOAT32_MAX, "float32")
        held = float(np.float32(value)) if kind is float and abs(value) <= most else value
        said = [check(value) or _rounded(check(held), held) for check in checks]
        said += [] if abs(value) <= most else [f"must be a number that {held_by} can hold"]
        _refuse(owner, field, value, said)

    return attrs.field(default=default, validator=judge, converter=convert)


def flag(default: bool) -> Any:
    """A field that is true or false; None is the default. Anything else is raised as ConfigError."""

    def convert(value: Any) -> Any:
        given = default if value is None else value
        return bool(given) if isinstance(given, int | np.bool_) and given in {0, 1} else given

    def judge(owner: object, field: attrs.Attribute[bool], value: Any) -> None:
        _refuse(owner, field, value, [None if isinstance(value, bool) else "must be true or false"])

    return attrs.field(default=default, validator=judge, converter=convert)


def one_of(kinds: UnionType, default: Any) -> Any:
    """A field that holds an instance of a member of `kinds`. Anything else is raised as ConfigError."""
    return _instance(
        kinds, f"must be one of: {', '.join(f'{kind.__name__}()' for kind in get_args(kinds))}", default
    )


def part(kind: type[Any]) -> Any:
    """A field that holds a value of `kind`, if not told its default one. Else as `one_of`."""
    return _instance(kind, f"must be a {kind.__name__}() of {kind.__module__}", kind())


def _instance(kinds: UnionType | type[Any], said: str, default: Any) -> Any:
    def judge(owner: object, field: attrs.Attribute[Any], value: Any) -> None:
        _refuse(owner, field, value, [None if isinstance(value, kinds) else said])

    return attrs.field(default=default, validator=judge)


def _rounded(problem: str | None, held: float) -> str | None:
    """What is wrong with a number only once a float32 holds it."""
    return problem and f"{problem}, and float32 makes it {held}"


def _refuse(owner: object, field: attrs.Attribute[Any], value: Any, said: list[str | None]) -> None:
    problems = [f"{type(owner).__name__} {field.name}={value!r}: {problem}" for problem in said if problem]
    if problems:
        raise ConfigError(problems)


def below_one(value: float) -> str | None:
    return None if 0 <= value < 1 else "must be >= 0 and < 1"
