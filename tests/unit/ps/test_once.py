"""A change that is sent twice is made once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from monolith.core.errors import PsError
from monolith.ps.api import Stamp
from monolith.ps.once import Once


def test_the_second_time_is_free() -> None:
    once, made = Once(), []
    results = [once.run(Stamp(1, 1), lambda: made.append(1) or len(made)) for _ in range(3)]
    assert results == [(1, False), (1, True), (1, True)]


@pytest.mark.parametrize(
    "other", [Stamp(2, 1), Stamp(1, 2), Stamp(1, 1, 1)], ids=["worker", "sequence", "part"]
)
def test_other_stamps_are_other_changes(other: Stamp) -> None:
    once = Once()
    once.run(Stamp(1, 1), lambda: "first")
    assert once.run(other, lambda: "second") == ("second", False)


def test_a_retry_waits_for_the_first() -> None:
    once, begun, may_end, calls = Once(), threading.Event(), threading.Event(), []

    def slow() -> str:
        calls.append(1)
        begun.set()
        may_end.wait(30)
        return "done"

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(once.run, Stamp(1, 1), slow)
        begun.wait(30)
        second = pool.submit(once.run, Stamp(1, 1), slow)
        may_end.set()
        assert (first.result(30), second.result(30)) == (("done", False), ("done", True))
    assert calls == [1]


def test_a_failure_is_remembered() -> None:
    once = Once()
    for work in (lambda: 1 / 0, lambda: "fine now"):
        with pytest.raises(ZeroDivisionError):
            once.run(Stamp(1, 1), work)


def test_too_old_to_tell_is_refused() -> None:
    once = Once(window=2)
    for sequence in (1, 2, 3):
        once.run(Stamp(1, sequence), lambda: None)
    with pytest.raises(PsError, match="change 1 of worker 0x1 came after 2 newer ones"):
        once.run(Stamp(1, 1), lambda: None)
    assert once.run(Stamp(1, 2), lambda: "again") == (None, True)


def test_the_longest_silent_is_forgotten() -> None:
    once = Once(workers=2)
    for worker in (1, 2, 1, 3):
        once.run(Stamp(worker, 1), lambda: "first")
    assert once.run(Stamp(1, 1), lambda: "new")[1]
    assert not once.run(Stamp(2, 1), lambda: "new")[1]
