"""Batches ahead of need: the same batches, and a thread that never outlives its reader."""

from __future__ import annotations

import gc
import threading
import time

import numpy as np
import pytest

from monolith.core.batch import Batch
from monolith.core.errors import ConfigError
from monolith.data.prefetch import prefetched
from monolith.data.reading import Bookmark

DEADLINE_S = 10


class Numbered:
    """Batches whose label is their number; raises `error` in place of number `at`."""

    set_aside = 0

    def __init__(self, total, *, start=0, at=None, error=None):
        self.total, self.position, self.at, self.error = total, start, at, error
        self.made = start
        self.closed = False

    def __iter__(self):
        return self

    def __next__(self):
        if self.made == self.at:
            raise self.error
        if self.made == self.total:
            raise StopIteration
        self.made += 1
        self.position += 1
        return Batch({}, {}, np.array([self.made - 1], np.float32), np.ones(1, np.float32))

    def bookmark(self, given):
        return Bookmark(position=given)

    def saved(self, given):
        self.told = given

    def close(self):
        self.closed = True


def until(condition):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


def threads():
    return [t for t in threading.enumerate() if t.name == "prefetch"]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    gc.collect()
    until(lambda: not threads())


@pytest.mark.parametrize("depth", [1, 2, 50])
def test_the_batches_are_the_same(depth):
    source = Numbered(20, start=3)
    batches = prefetched(source, depth)
    assert (batches.position, batches.total) == (3, 20)
    got = []
    for batch in batches:
        got.append(int(batch.labels[0]))
        assert batches.position == got[-1] + 1
    assert got == list(range(3, 20))
    assert next(batches, None) is None
    batches.saved(17)  # there may be something to say to what has ended
    batches.close()
    assert (source.told, source.closed) == (17, True)


@pytest.mark.parametrize("depth", [1, 3])
def test_no_more_is_made_than_asked(depth):
    source = Numbered(1 << 60)
    batches = prefetched(source, depth)
    until(lambda: source.made == depth + 1)  # so many ready, and one in hand
    next(batches)
    until(lambda: source.made == depth + 2)
    batches.close()
    assert source.closed


def test_an_error_comes_in_its_place():
    source = Numbered(10, at=3, error=KeyError("broken"))
    batches = prefetched(source, 2)
    assert [int(next(batches).labels[0]) for _ in range(3)] == [0, 1, 2]
    for _ in range(2):
        with pytest.raises(KeyError, match="broken"):
            next(batches)
    until(lambda: source.closed)


def test_a_dropped_reader_ends_the_thread():
    source = Numbered(1 << 60)
    batches = prefetched(source, 1)
    next(batches)
    del batches
    gc.collect()
    until(lambda: source.closed)


def test_none_ahead_cannot_be():
    with pytest.raises(ConfigError, match="depth=0"):
        prefetched(Numbered(1), 0)


def test_closing_twice_is_harmless():
    batches = prefetched(Numbered(100), 2)
    batches.close()
    batches.close()
    assert list(batches) == []
