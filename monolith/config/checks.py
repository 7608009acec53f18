"""A value in, a complaint or nothing out."""

from __future__ import annotations

import math
from typing import Any


def positive(value: Any) -> str | None:
    return None if value > 0 else "must be > 0"


def positive_and_finite(value: Any) -> str | None:
    return None if 0 < value < math.inf else "must be > 0 and finite"


def not_negative(value: Any) -> str | None:
    return None if value >= 0 else "must be >= 0"


def int64(value: Any) -> str | None:
    return None if -(2**63) <= value < 2**63 else "must be a number that int64 can hold"


def mebibytes(value: int) -> str | None:
    """More than nothing, and bytes that int64 can count: servers tell each other of them."""
    most = (2**63 - 1) >> 20
    return positive(value) or (None if value <= most else f"must be <= {most}")


def name(value: str) -> str | None:
    """A word: not empty, no space in or around it."""
    if not value.strip():
        return "must be non-empty"
    if value.strip() != value:
        return "must not have leading/trailing whitespace"
    return "must not contain whitespace" if value.split() != [value] else None


def given(value: Any) -> str | None:
    return None if value not in (None, "", ()) else "must be given"


def port(value: int) -> str | None:
    return None if 0 <= value <= 65535 else "must be a port, 0..65535 (0: any free one)"


def if_given(check: Any) -> Any:
    """`check`, for values that are there."""
    return lambda value: None if value is None else check(value)


def one_of(*allowed: Any) -> Any:
    """A check that the value is among `allowed`."""
    said = ", ".join(str(a) for a in allowed)

    def check(value: Any) -> str | None:
        return None if value in allowed else f"must be one of: {said}"

    return check
