"""Sharing and being alone: who waits for whom, and that nobody waits for ever."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from monolith.table.turns import Turns

WITHIN_S = 30


def until(condition):
    """Wait for what another thread does without telling."""
    tick = threading.Event()
    for _ in range(WITHIN_S * 1000):
        if condition():
            return
        tick.wait(0.001)
    raise AssertionError("it did not come to that")


@pytest.fixture
def turns():
    return Turns()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as threads:
        yield threads


def test_those_who_share_meet(turns, pool):
    together = threading.Barrier(4)

    def share():
        with turns.shared:
            together.wait(WITHIN_S)

    for one in [pool.submit(share) for _ in range(4)]:
        one.result(WITHIN_S)


def test_alone_is_alone(turns, pool):
    inside, most = [], []

    def alone():
        for _ in range(200):
            with turns.alone:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    def share():
        for _ in range(200):
            with turns.shared:
                assert not inside

    for one in [pool.submit(work) for work in (alone, alone, share, share)]:
        one.result(WITHIN_S)
    assert max(most) == 1


def test_they_take_turns(turns, pool):
    """Who waits to share is let in once the next has been alone, however many want to be."""
    order = []

    def alone(name):
        with turns.alone:
            order.append(name)

    def share():
        with turns.shared:
            order.append("shared")

    with turns.alone:
        first = pool.submit(alone, "first")
        until(lambda: turns.waiting == 1)
        sharer = pool.submit(share)
        until(lambda: turns.queued == 1)
        others = [pool.submit(alone, "later") for _ in range(3)]
        until(lambda: turns.waiting == 4)
    for one in (first, sharer, *others):
        one.result(WITHIN_S)
    assert order.index("shared") == 0
    assert len(order) == 5


@pytest.mark.parametrize("kind", ["shared", "alone"])
def test_who_is_interrupted_holds_nobody_up(turns, pool, kind, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    with turns.shared if kind == "alone" else turns.alone:
        monkeypatch.setattr(turns.changed, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt), getattr(turns, kind):
            pass
        monkeypatch.undo()
    for way in ("shared", "alone"):
        with getattr(turns, way):
            pass
    assert (turns.sharing, turns.waiting, turns.queued, turns.due, turns.taken) == (0, 0, 0, 0, False)
