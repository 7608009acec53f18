"""Who is behind decides; who is silent does not."""

import pytest

from monolith.data.joining.watermark import Watermark
from monolith.data.streams.log import Partition

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
