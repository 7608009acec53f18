"""Expiry in the background, by a clock that stands still until told."""

import threading

import numpy as np
import pytest

from monolith.ps.upkeep import HOUR_S, Ticking, Upkeep
from monolith.table.config import Segment, Sgd, SlotExpireTimeConfig, TableConfig, Zeros
from monolith.table.table import Table


def table_of(*, evicts=True):
    """One row of three has expired."""
    config = TableConfig(
        (Segment(1, Zeros(), Sgd()),),
        slot_expire_time_config=SlotExpireTimeConfig((), 1),
        enable_feature_eviction=evicts,
        feature_evict_every_n_hours=2,
    )
    table = Table(config)
    table.assign([1, 2, 3], np.ones((3, 1)), times=[1, 90_000, 90_000])
    return table


@pytest.fixture
def clock():
    return [1000.0]


def test_tables_have_their_turn_after_hours(clock):
    table = table_of()
    upkeep = Upkeep(lambda: [("t", table), ("other", table_of(evicts=False))], lambda: clock[0])
    told = []
    for hours in (0, 1, 0.999, 0.001, 0, 2):
        clock[0] += hours * HOUR_S
        told.append(upkeep.tick())
        table.assign([9], np.ones((1, 1)), times=1)
    assert told == [0, 0, 0, 2, 0, 1]


def test_ticks_until_stopped():
    ticked = threading.Semaphore(0)
    ticking = Ticking(ticked.release, 0.001)
    ticking.start()
    for _ in range(3):
        assert ticked.acquire(timeout=10)
    ticking.stop(10)
    assert not ticking._thread.is_alive()
    ticking.stop(0)


def test_a_tick_that_fails_is_logged_and_not_the_last(caplog):
    ticked = threading.Semaphore(0)

    def tick():
        ticked.release()
        raise MemoryError("no room")

    ticking = Ticking(tick, 0.001)
    ticking.start()
    for _ in range(3):
        assert ticked.acquire(timeout=10)
    ticking.stop(10)
    assert "upkeep failed, and is tried again in 0.001 s" in caplog.text
    assert "MemoryError: no room" in caplog.text


def test_a_table_that_fails_does_not_hold_others_up(clock, monkeypatch):
    bad, good = table_of(), table_of()
    monkeypatch.setattr(bad, "expire", _no_room)
    upkeep = Upkeep(lambda: [("bad", bad), ("good", good)], lambda: clock[0])
    upkeep.tick()
    clock[0] += 2 * HOUR_S
    with pytest.raises(MemoryError):
        upkeep.tick()
    assert (upkeep.tick(), len(good)) == (1, 2)


def _no_room():
    raise MemoryError


def test_one_that_never_ran_can_be_stopped():
    Ticking(lambda: None).stop(0)
