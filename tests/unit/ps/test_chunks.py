"""Cutting loses nothing, keeps the order, and stays below the limit."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monolith.ps.chunks import Piece, chunks

REQUESTS = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 30)), max_size=6)
LIMITS = st.integers(1, 200)


@given(REQUESTS, LIMITS)
def test_every_id_travels_once(requests: list[tuple[int, int]], limit: int) -> None:
    pieces = [piece for message in chunks(requests, limit) for piece in message]
    travelled = [(p.request, i) for p in pieces for i in range(p.start, p.stop)]
    assert travelled == [(r, i) for r, (count, _) in enumerate(requests) for i in range(count)]
    assert {p.request for p in pieces} == set(range(len(requests)))


@given(REQUESTS, LIMITS)
def test_messages_stay_below_limit(requests: list[tuple[int, int]], limit: int) -> None:
    for message in chunks(requests, limit):
        ids = sum(p.stop - p.start for p in message)
        size = sum((p.stop - p.start) * requests[p.request][1] for p in message)
        assert size <= limit or ids == 1


@given(REQUESTS, LIMITS)
def test_messages_are_as_few_as_may_be(requests: list[tuple[int, int]], limit: int) -> None:
    """The first id of a message would not have fitted into the one before."""
    messages = chunks(requests, limit)
    for before, after in pairwise(messages):
        size = sum((p.stop - p.start) * requests[p.request][1] for p in before)
        assert size + requests[after[0].request][1] > limit


def test_a_request_goes_on_where_room_is() -> None:
    assert chunks([(3, 10), (5, 10)], 50) == [[Piece(0, 0, 3), Piece(1, 0, 2)], [Piece(1, 2, 5)]]
