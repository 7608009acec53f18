"""One of a few words: by name or itself, and nothing else."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from monolith.core.errors import ConfigError

Choice = TypeVar("Choice", bound=StrEnum)


def choice(kind: type[Choice], given: str, what: str) -> Choice:
    """The member of `kind` that is `given`, or has that name. `what` names it in errors.

    Raises:
        ConfigError: there is none.
    """
    try:
        return kind(given)
    except ValueError:
        raise ConfigError([f"{what}={given!r}: must be one of: {', '.join(kind)}"]) from None
