"""Freed row numbers against a set of them, and against who holds the others."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monolith.table.freed import Freed

numbers = st.lists(st.integers(0, 60), unique=True, max_size=60)


def freed_of(pushed: list[int]) -> Freed:
    freed = Freed()
    freed.push(np.array(pushed, np.int64))
    return freed


@given(numbers, st.integers(0, 70))
def test_the_latest_come_back_first(pushed: list[int], count: int) -> None:
    freed = freed_of(pushed)
    assert freed.top(count).tolist() == pushed[::-1][:count]
    assert freed.pop(count) == min(count, len(pushed))
    assert len(freed) == len(pushed[::-1][count:])


@given(numbers, st.integers(0, 60), numbers)
def test_none_is_given_from_the_bound_on(pushed: list[int], bound: int, later: list[int]) -> None:
    freed, later = freed_of(pushed), [n for n in later if n not in pushed]
    freed.hold_back(bound)
    freed.push(np.array(later, np.int64))
    assert sorted(freed.top(99).tolist()) == sorted(n for n in pushed + later if n < bound)
    assert len(freed) == len(pushed) + len(later)


@given(numbers, st.integers(0, 61))
def test_what_is_given_up_was_nobodys(pushed: list[int], bound: int) -> None:
    """Of 61 numbers: from the new end on all were free, and right below it one is in use, or the bound."""
    freed = freed_of(pushed)
    freed.hold_back(bound)
    end = freed.give_up(61)
    assert set(range(end, 61)) <= set(pushed)
    assert end <= bound or end - 1 not in pushed
    assert sorted(freed.top(99).tolist()) == sorted(n for n in pushed if n < end)
