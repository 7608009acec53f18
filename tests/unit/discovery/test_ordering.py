"""From what is advertised to shard order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.discovery.base import ServiceInfo
from monolith.discovery.ordering import NO_INDEX, Disorder, parse_index, shard_addresses


def services(*pairs):
    return [ServiceInfo(f"any-{i}", "ps", index, address) for i, (index, address) in enumerate(pairs)]


@given(st.permutations(range(5)), st.integers(0, 5))
def test_shards_come_by_index_whatever_the_order(order, count):
    given = services(*((index, f"h:{index}") for index in order))
    assert shard_addresses(given, count) == [f"h:{index}" for index in range(count)]


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], []),
        ([(None, "b:1"), (None, "a:1"), (None, "b:1")], ["a:1", "b:1"]),
        ([(0, "a:1"), (NO_INDEX, "b:1")], Disorder.INVALID_INDEX),
        ([(None, "a:1"), (NO_INDEX, "b:1")], Disorder.INVALID_INDEX),
        ([(0, "a:1"), (None, "b:1")], Disorder.MIXED_PRESENCE),
        ([(0, "a:1"), (0, "b:1"), (1, "c:1")], Disorder.CONFLICTING_DUPLICATE),
        ([(0, "a:1"), (1, "c:1"), (7, "a:1"), (7, "b:1")], Disorder.CONFLICTING_DUPLICATE),
        ([(0, "a:1"), (0, "a:1"), (1, "c:1")], ["a:1", "c:1"]),
        ([(0, "a:1"), (1, "a:1")], ["a:1", "a:1"]),
        ([(0, "a:1"), (2, "c:1")], Disorder.GAP),
        ([(1, "a:1")], Disorder.GAP),
    ],
)
def test_two_shards_from(pairs, expected):
    assert shard_addresses(services(*pairs), 2) == expected


@pytest.mark.parametrize(
    ("text", "index"),
    [(None, None), ("0", 0), ("+3", 3), ("007", 7)]
    + [(bad, NO_INDEX) for bad in ("", "+", "-1", " 1", "1 ", "++1", "1.0", "one", "٣")],
)
def test_an_index_is_read_as(text, index):
    assert parse_index(text) == index
