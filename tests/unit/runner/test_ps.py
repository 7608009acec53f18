"""What a parameter server tells the others about itself."""

from __future__ import annotations

import pytest

from monolith.runner.ps import advertised


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (None, "0.0.0.0:4711"),
        ("ps.example:0", "ps.example:4711"),
        ("[fd00::5]:0", "[fd00::5]:4711"),
        ("10.0.0.5:80", "10.0.0.5:80"),  # a port that is forwarded
    ],
)
def test_what_the_workers_are_told(chosen: str | None, told: str) -> None:
    assert advertised("0.0.0.0:4711", chosen) == told
