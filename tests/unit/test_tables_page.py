"""docs/tables.md shows what happens."""

from __future__ import annotations

import doctest
from pathlib import Path


def test_what_is_shown_happens() -> None:
    page = Path(__file__).parents[2] / "docs" / "tables.md"
    assert doctest.testfile(str(page), module_relative=False).failed == 0
    assert ">>>" in page.read_text()
