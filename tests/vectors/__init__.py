"""Vectors taken from upstream's tests: input, result and tolerance, one JSON line each.

A line with `skip` says why it does not apply here.
"""

import json
from pathlib import Path
from typing import Any


def vectors(area: str) -> dict[str, dict[str, Any]]:
    """Those of an area that apply, by name."""
    lines = Path(__file__).with_name(f"{area}.jsonl").read_text("utf-8").splitlines()
    all_of_them = (json.loads(line) for line in lines)
    return {vector["name"]: vector for vector in all_of_them if "skip" not in vector}
