"""Freed row numbers against a set of them, and against who holds the others."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monolith.table.freed import Freed

MANY = 200
numbers = st.lists(st.integers(0, MANY - 1), unique=True, max_size=MANY)


def freed_of(put: list[int]) -> Freed:
    freed = Freed()
    freed.cover(MANY)
    freed.put(np.array(put, np.int64))
    return freed


@given(numbers, st.integers(0, MANY), numbers)
def test_the_lowest_are_given_first(put: list[int], count: int, again: list[int]) -> None:
    freed = freed_of(put)
    given_out = freed.lowest(count)
    assert given_out.tolist() == sorted(put)[:count]
    assert freed.take(given_out) == len(given_out)
    freed.put(np.array(again, np.int64))
    there = {*sorted(put)[count:], *again}
    assert freed.lowest(MANY).tolist() == sorted(there)
    assert len(freed) == len(there)


@given(numbers, numbers)
def test_only_what_was_free_is_taken(put: list[int], taken: list[int]) -> None:
    freed = freed_of(put)
    assert freed.take(np.array(taken, np.int64)) == len({*put} & {*taken})
    assert freed.lowest(MANY).tolist() == sorted({*put} - {*taken})


@given(numbers, st.integers(0, MANY))
def test_none_is_given_from_the_bound_on(put: list[int], bound: int) -> None:
    freed = freed_of(put)
    freed.bound = bound
    assert freed.lowest(MANY).tolist() == sorted(n for n in put if n < bound)
    freed.bound = MANY
    assert freed.lowest(MANY).tolist() == sorted(put)


@given(numbers, st.integers(0, MANY))
def test_what_is_given_up_was_nobodys(put: list[int], least: int) -> None:
    """From the new end on all were free, and right below it one is in use, or it is the least."""
    freed = freed_of(put)
    end = freed.give_up(MANY, least)
    assert set(range(end, MANY)) <= set(put)
    assert end >= least
    assert end == least or end - 1 not in put
    assert freed.lowest(MANY).tolist() == sorted(n for n in put if n < end)
    assert len(freed) == sum(n < end for n in put)


def test_room_for_more_loses_none() -> None:
    freed = freed_of([0, MANY - 1])
    freed.cover(100 * MANY)
    freed.put(np.array([100 * MANY - 1]))
    assert freed.lowest(9).tolist() == [0, MANY - 1, 100 * MANY - 1]


def test_room_for_more_moves_nothing() -> None:
    """Others wait meanwhile, and of millions a copy would take milliseconds."""
    freed = Freed(1 << 24)
    freed.cover(MANY)
    before = freed._bits.ctypes.data
    freed.cover(1 << 24)
    assert freed._bits.ctypes.data == before
