"""A server's state whose clock and random source are ours."""

from __future__ import annotations

import itertools

import pytest

from monolith.ps.state import ShardState
from monolith.table.config import Segment, Sgd, TableConfig, Zeros

# Rows start at 0 and an update subtracts its gradient, so a value counts the updates.
COUNTING = TableConfig([Segment(2, Zeros(), Sgd(1.0))])
TICK = 0.5  # seconds between two looks at the clock


@pytest.fixture
def state() -> ShardState:
    ticks = itertools.count()
    state = ShardState(3, seed=0, random=lambda n: bytes(range(1, n + 1)), clock=lambda: next(ticks) * TICK)
    state.create_tables({"t": COUNTING})
    return state
