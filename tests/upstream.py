"""Expected values that others published, from tests/vectors/; one with an `out` says why it is not ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(__file__).with_name("vectors")


def by_name(area: str) -> dict[str, Any]:
    """The vectors of `area` that apply."""
    lines = (_FOLDER / f"{area}.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    return {one["name"]: one for one in told if "out" not in one}


def vectors(area: str) -> list[Any]:
    """The same, for `pytest.mark.parametrize`."""
    return [pytest.param(one, id=name) for name, one in by_name(area).items()]
