"""A bounded queue: order, room, and its end."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import ConfigError, QueueClosed
from monolith.core.fifo import FifoQueue

DEADLINE_S = 10
ITEMS = st.lists(st.integers(), max_size=20)


class Aside(threading.Thread):
    """`work` in a thread; what it gave or raised."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self._work, self.outcome = work, None
        self.start()

    def run(self):
        try:
            self.outcome = self._work()
        except QueueClosed as exc:
            self.outcome = exc

    def result(self):
        self.join(DEADLINE_S)
        assert not self.is_alive(), "waits for ever"
        return self.outcome


@given(ITEMS, st.integers(1, 3))
def test_all_come_out_in_order(items, capacity):
    queue, longest = FifoQueue(capacity), 0

    def fill():
        for item in items:
            queue.enqueue(item)
        queue.close()

    filling, got = Aside(fill), []
    for _ in items:
        got.append(queue.dequeue())
        longest = max(longest, len(queue))
    filling.result()
    with pytest.raises(QueueClosed, match=r"^queue closed$"):
        queue.dequeue()
    assert got == items
    assert longest <= capacity


@given(ITEMS, st.booleans())
def test_after_closing_the_rest_remains(items, drop):
    queue = FifoQueue(20)
    for item in items:
        queue.enqueue(item)
    queue.close(drop=drop)
    with pytest.raises(QueueClosed):
        queue.enqueue(0)
    assert [queue.try_dequeue() for _ in range(len(queue))] == ([] if drop else items)
    for take in (queue.dequeue, queue.try_dequeue):
        with pytest.raises(QueueClosed):
            take()


@pytest.mark.parametrize("blocked", ["enqueue", "dequeue"])
def test_closing_ends_a_wait(blocked):
    queue = FifoQueue(1)
    if blocked == "enqueue":
        queue.enqueue(1)
    waiting = Aside((lambda: queue.enqueue(2)) if blocked == "enqueue" else queue.dequeue)
    queue.close()
    assert isinstance(waiting.result(), QueueClosed)


def test_nothing_there_is_none():
    assert FifoQueue(1).try_dequeue() is None


def test_the_first_reason_stays():
    queue = FifoQueue(1)
    queue.close(KeyError("first"))
    queue.close(KeyError("second"))
    with pytest.raises(KeyError, match="first"):
        queue.dequeue()


def test_no_room_at_all_cannot_be():
    with pytest.raises(ConfigError, match="capacity=0: must be >= 1"):
        FifoQueue(0)
