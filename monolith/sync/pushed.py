"""Figures of what a target was sent."""

from __future__ import annotations

import attrs


@attrs.define
class Pushed:
    """What one target was sent."""

    pushes: int = 0
    rows: int = 0
    removed: int = 0
    bytes: int = 0
    failures: int = 0  # no answer
    refused: int = 0
    resends: int = 0  # answers that asked for everything
    wholes: int = 0
    as_of_ms: int = 0  # it has every change made before; 0: it has not had everything yet
