"""Expected values that others published, from tests/vectors/; one with an `out` says why it is not ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(__file__).with_name("vectors")


def vectors(area: str) -> list[Any]:
    """The vectors of `area` that apply, for `pytest.mark.parametrize`."""
    lines = (_FOLDER / f"{area}.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    return [pytest.param(one, id=one["name"]) for one in told if "out" not in one]
