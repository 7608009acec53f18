"""Answers come in pieces, in any order, and lie where they belong."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.ps.api import Found
from monolith.ps.destination import Destination

SPARE = -1


@given(
    places=st.lists(st.integers(0, 30), unique=True, max_size=20),
    cuts=st.lists(st.integers(0, 20), max_size=3),
    shape=st.sampled_from([(), (1,), (3,)]),
    kind=st.sampled_from([np.float16, np.float32]),
    in_order=st.booleans(),
)
def test_pieces_lie_in_their_places(
    places: list[int], cuts: list[int], shape: tuple[int, ...], kind: type, in_order: bool
) -> None:
    """And nowhere else, whatever kind of numbers they come as."""
    at = np.arange(len(places)) if in_order else np.array(places, np.int64)
    answers = np.arange(len(at) * int(np.prod(shape))).astype(kind).reshape(len(at), *shape)
    array = np.full((len(at) if in_order else 31, *shape), SPARE, np.float32)
    due = array.copy()
    due[at] = answers
    destination = Destination(array, None if in_order else at)
    bounds = [0, *sorted(min(cut, len(at)) for cut in cuts), len(at)]
    for start, stop in reversed([*pairwise(bounds)]):
        destination.put(answers[start:stop], start)
    np.testing.assert_array_equal(array, due)


@pytest.mark.parametrize("at", [None, np.arange(2)], ids=["alone", "among_others"])
def test_answers_are_made_in_an_array_of_their_own(at: np.ndarray | None) -> None:
    destination = Destination(np.zeros((2, 1), np.float32), at)
    assert (destination.whole is destination.array) == (at is None)


def test_a_message_is_let_go_once_its_rows_are_put() -> None:
    message = bytes(4 * 2 + 2)
    found = Found(np.frombuffer(message, np.float32, 2)[:, None], np.frombuffer(message, np.bool_, 2, 8), 0)
    rest = found.put(Destination(np.ones((2, 1), np.float32)))
    assert (rest.rows.base, rest.found.base) == (None, None)


def test_rows_in_between_are_refused() -> None:
    with pytest.raises(ValueError, match="must be contiguous"):
        Destination(np.empty((3, 4))[:, ::2], np.arange(3))
