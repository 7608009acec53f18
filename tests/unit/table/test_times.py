"""When rows were updated: nothing is kept until somebody tells a time, and nothing is ever made older."""

import threading

import numpy as np
import pytest

from monolith.table.arena import Arena
from monolith.table.times import UpdateTimes

NUMBERS = np.array([2, 0, 2])


def told(*times: int) -> np.ndarray:
    return np.array(times, np.uint32)


def times_of(*times: int) -> UpdateTimes:
    """Rows 0, 1, … updated then."""
    kept = UpdateTimes(100)
    kept.begin(len(times))
    kept.advance(np.arange(len(times)), told(*times))
    return kept


def test_nobody_tells_nothing_is_kept() -> None:
    kept = UpdateTimes(100)
    kept.cover(50)
    kept.unset(NUMBERS)
    kept.copy(NUMBERS, NUMBERS)
    assert (kept.begun, kept.memory_bytes(50), kept.latest, kept.told) == (False, 0, 0, 0)
    assert kept.of(NUMBERS).tolist() == [0, 0, 0]


def test_the_later_of_two_times_stays() -> None:
    kept = times_of(5, 5, 5)
    kept.advance(NUMBERS, told(7, 3, 6))
    assert kept.of(np.arange(3)).tolist() == [5, 5, 7]
    assert kept.memory_bytes(3) == 12


def test_the_latest_of_all_threads_is_known() -> None:
    kept = UpdateTimes(100)
    threads = [threading.Thread(target=kept.hear, args=(2 * n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    kept.hear(0)
    assert kept.latest == 98


def test_moved_rows_take_their_times_along() -> None:
    kept = times_of(5, 0, 7)
    kept.copy(np.array([2]), np.array([1]))
    assert kept.of(np.arange(3)).tolist() == [5, 7, 7]


def test_who_comes_after_the_forgotten_has_no_time() -> None:
    kept = times_of(*range(1, 5001))
    kept.release(10, 5000)
    kept.cover(5000)
    kept.unset(np.arange(10, 5000))
    assert kept.of(np.array([9, 10, 2000, 4999])).tolist() == [10, 0, 0, 0]


def test_memory_is_fetched_once_there_are_times(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[tuple[int, int]] = []
    monkeypatch.setattr(Arena, "fetch", lambda _arena, start, stop: fetched.append((start, stop)))
    UpdateTimes(100).fetch(3, 7)
    times_of(1).fetch(3, 7)
    assert fetched == [(3, 7)]
