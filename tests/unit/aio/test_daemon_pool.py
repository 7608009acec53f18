"""Threads that come when they are needed, stay, and are waited for as long as one likes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from monolith.aio.daemon_pool import DaemonPool

WAIT_S = 30


class Work:
    """Says that it began, and ends when it may."""

    def __init__(self) -> None:
        self.began = threading.Semaphore(0)
        self.may = threading.Event()
        self.threads: list[threading.Thread] = []

    def __call__(self) -> None:
        self.threads.append(threading.current_thread())
        self.began.release()
        assert self.may.wait(WAIT_S)


@pytest.fixture
def work() -> Iterator[Work]:
    work = Work()
    yield work
    work.may.set()


def test_threads_are_daemons_and_stay(work: Work) -> None:
    pool = DaemonPool(9, "t")
    work.may.set()
    for _ in range(20):
        assert pool.submit(work)
        assert work.began.acquire(timeout=WAIT_S)
        until = time.monotonic() + WAIT_S
        while not pool._idle:
            assert time.monotonic() < until
    assert len(set(work.threads)) == 1
    assert work.threads[0].daemon
    pool.join(WAIT_S)
    assert not pool.submit(work)


def test_there_are_no_more_than_asked(work: Work) -> None:
    pool = DaemonPool(2, "t")
    assert [pool.submit(work) for _ in range(3)] == [True, True, False]
    assert all(work.began.acquire(timeout=WAIT_S) for _ in range(2))
    work.may.set()
    pool.join(WAIT_S)
    assert not pool.made


def test_joining_waits_that_long(work: Work) -> None:
    pool = DaemonPool(2, "t")
    pool.submit(work)
    pool.join(0)
    assert pool.made == 1
    work.may.set()
    pool.join(WAIT_S)
    assert not pool.made
