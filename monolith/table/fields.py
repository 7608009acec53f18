"""Numbers in the definition of a table, judged as they are set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from monolith.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

_FLOAT32_MAX = 3.4028234e38


def number(default: float, *checks: Callable[[Any], str | None]) -> Any:
    """A field that holds a number; None is the default. What a check has to say is raised as ConfigError.

    Where the default is a float, every number becomes one: kernels are compiled for floats.
    """

    def convert(value: Any) -> Any:
        given = default if value is None else value
        return float(given) if isinstance(default, float) else given

    def judge(owner: object, field: attrs.Attribute[float], value: float) -> None:
        said = [check(value) for check in checks]
        said += [] if abs(value) <= _FLOAT32_MAX else ["must be a number that float32 can hold"]
        problems = [f"{type(owner).__name__} {field.name}={value}: {problem}" for problem in said if problem]
        if problems:
            raise ConfigError(problems)

    return attrs.field(default=default, validator=judge, converter=convert)


def below_one(value: float) -> str | None:
    return None if 0 <= value < 1 else "must be >= 0 and < 1"
