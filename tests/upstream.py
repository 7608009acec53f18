"""Expected values that others published, from tests/vectors/; one with an `out` says why it is not ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(__file__).with_name("vectors")


def areas() -> list[str]:
    """What there are vectors of."""
    return sorted(path.stem for path in _FOLDER.glob("*.jsonl"))


def listed(area: str) -> list[dict[str, Any]]:
    """All vectors of `area`."""
    return [json.loads(line) for line in (_FOLDER / f"{area}.jsonl").read_text().splitlines()]


def by_name(area: str) -> dict[str, Any]:
    """The vectors of `area` that apply."""
    return {one["name"]: one for one in listed(area) if "out" not in one}


def vectors(area: str, *names: str) -> list[Any]:
    """The same, or those of these names, for `pytest.mark.parametrize`."""
    held = by_name(area)
    return [pytest.param(held[name], id=name) for name in names or held]
