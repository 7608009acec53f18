"""From what is advertised to shard order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.discovery.base import ServiceInfo
from monolith.discovery.ordering import Disorder, shard_addresses


def service(index, address):
    host, port = address.split(":")
    return ServiceInfo("any", "any", "ps", host, int(port), {} if index is None else {"index": str(index)})


def services(*pairs):
    return [service(index, address) for index, address in pairs]


@given(st.permutations(range(5)), st.integers(0, 5))
def test_shards_come_by_index_whatever_the_order(order, count):
    given = services(*((index, f"h{index}:1") for index in order))
    assert shard_addresses(given, count) == [f"h{index}:1" for index in range(count)]


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], []),
        ([(None, "b:1"), (None, "a:1"), (None, "b:1")], ["a:1", "b:1"]),
        ([(0, "a:1"), (-1, "b:1")], Disorder.INVALID_INDEX),
        ([(None, "a:1"), (-1, "b:1")], Disorder.INVALID_INDEX),
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
