"""Who is behind decides; who is silent does not."""

import pytest

from monolith.data.joining.idle import Idle
from monolith.data.joining.watermark import Watermark
from monolith.data.streams.log import Partition
from monolith.data.streams.memory import MemoryLog

A, B, C = (Partition("t", number) for number in range(3))


@pytest.mark.parametrize(
    ("seen", "idle", "value"),
    [
        ([(A, 50), (B, 30), (C, 70)], (), 20),
        ([(A, 50), (B, 30), (C, 70), (B, 10)], (), 20),
        ([(A, 50), (B, 30), (C, 70)], (B,), 40),
        ([(A, 50), (B, 30)], (), None),
        ([(A, 50), (B, 30)], (C,), 20),
        ([(A, 50), (B, 30)], (A, B, C), 40),
        ([(A, 50), (B, 30)], (A, C), 20),
        ([], (A, B, C), None),
    ],
)
def test_the_slowest_that_is_awaited(seen, idle, value):
    watermark = Watermark([A, B, C], 10, {})
    for partition, time in seen:
        watermark.saw(partition, time)
    assert watermark.value(idle) == value


def test_it_goes_on_where_it_was():
    assert Watermark([A, B], 10, {A: 50, B: 60, C: 1}).value() == 40


@pytest.fixture
def idle():
    """Looked at with a clock that is set by hand, on a partition with two messages."""
    log, clock = MemoryLog({"t": 1}), [0.0]
    log.send("t", b"")
    log.send("t", b"")
    return Idle(log, 5.0, lambda: clock[0]), clock


@pytest.mark.parametrize(
    ("now", "read", "ended", "said"),
    [(4.9, 2, {A}, set()), (5.0, 2, {A}, {A}), (5.0, 1, {A}, set()), (5.0, 2, {B}, set())],
)
def test_idle_is_read_to_the_end(idle, now, read, ended, said):
    one, clock = idle
    assert one.now({A: 0}, ended) == set()
    clock[0] = now
    assert one.now({A: read}, ended) == said


def test_what_comes_ends_idleness(idle):
    one, clock = idle
    one.now({A: 2}, {A})
    clock[0] = 5.0
    assert one.now({A: 2}, {A}) == {A}
    one.saw(A)
    assert one.now({A: 2}, {A}) == set()
