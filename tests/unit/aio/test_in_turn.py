"""Calls that take turns: whoever ends them, and however."""

from concurrent.futures import CancelledError, Future

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.aio.in_turn import InTurn, answered


class Calls:
    """Calls that end when told to, and remember what happened when."""

    def __init__(self):
        self.log, self.open = [], {}

    def __call__(self, name):
        def begin():
            self.log.append(f"begin {name}")
            self.open[name] = Future()
            return self.open[name]

        return begin

    def end(self, name):
        self.log.append(f"end {name}")
        self.open.pop(name).set_result(name)


@given(early=st.lists(st.booleans(), min_size=1, max_size=8))
def test_each_begins_when_the_last_one_ended(early):
    """`early`: whether a call ends before the next one is asked for."""
    calls, turns, outcomes = Calls(), InTurn(), []
    for name, ends in enumerate(early):
        outcomes.append(turns.then(calls(name)))
        while ends and calls.open:
            calls.end(min(calls.open))
    while calls.open:
        calls.end(min(calls.open))
    assert calls.log == [f"{what} {name}" for name in range(len(early)) for what in ("begin", "end")]
    assert [one.result() for one in outcomes] == list(range(len(early)))
    turns.wait()


def refused():
    raise ValueError("no")


def failing():
    call = Future()
    call.set_exception(ValueError("no"))
    return call


def called_off():
    call = Future()
    call.cancel()
    return call


@pytest.mark.parametrize(
    ("first", "error"), [(refused, ValueError), (failing, ValueError), (called_off, CancelledError)]
)
def test_nothing_begins_behind_what_failed(first, error):
    calls, turns = Calls(), InTurn()
    turns.then(calls("before"))
    outcomes = [turns.then(first), *(turns.then(calls(name)) for name in range(2000))]
    calls.end("before")
    for outcome in outcomes:
        with pytest.raises(error):
            outcome.result(timeout=0)
    with pytest.raises(error):
        turns.wait()
    assert calls.log == ["begin before", "end before"]


def test_with_nothing_to_do_nobody_waits():
    InTurn().wait()
    assert InTurn().then(lambda: answered(3)).result(timeout=0) == 3
