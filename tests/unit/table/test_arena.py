"""Memory that grows: in place while the reservation lasts, by moving where the system grants none."""

import mmap
import platform
import resource
import sys
import threading

import numpy as np
import pytest

from monolith.table.arena import ON_SMALL_PAGES, SMALL, Arena


def test_arena_grows_in_place():
    arena = Arena(3, np.float32)
    before = arena.array
    arena.ensure(1_000_000)
    assert arena.array is before
    assert arena.array.ctypes.data % 64 == 0


@pytest.mark.parametrize("reserve", [1, 2**62], ids=["granted_little", "refused"])
def test_full_arena_moves_with_its_rows(reserve):
    arena = Arena(2, np.int64, reserve=reserve)
    held = len(arena.array)
    assert held <= SMALL // 16
    arena.array[:] = 7
    arena.ensure(held + 1)
    assert len(arena.array) >= 2 * held
    assert (arena.array[:held] == 7).all()
    assert not arena.array[held:].any()


def test_more_than_there_is_says_so():
    with pytest.raises(MemoryError, match="no memory for 288230376151711744 rows of 16 bytes"):
        Arena(2, np.int64, reserve=16).ensure(2**58)


def test_released_pages_go_back_and_others_stay():
    rows = 4 * mmap.PAGESIZE // 16
    arena = Arena(2, np.int64)
    arena.array[:rows] = 7
    arena.release(1, rows - 1)
    kept = arena.array[:rows, 0].reshape(4, -1)
    assert (kept[[0, 3]] == 7).all()
    assert not kept[[1, 2]].any()


def faults(work):
    """How often this thread had to wait for a page while it did `work`."""
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    work()
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


ROWS = ON_SMALL_PAGES // 16
LINUX = tuple(int(number) for number in platform.release().split(".")[:2])
fetches = pytest.mark.skipif(LINUX < (5, 14), reason=f"LINUX {LINUX} CANNOT FETCH PAGES: 5.14 and later can")


@fetches
def test_nobody_waits_for_fetched_pages():
    pages = ON_SMALL_PAGES // mmap.PAGESIZE
    arena, other = Arena(2, np.int64), Arena(2, np.int64)
    arena.array[:3] = 7
    arena.fetch(1, ROWS)
    assert (arena.array[:3] == 7).all()
    assert not arena.array[3:ROWS].any()
    assert faults(lambda: arena.array[:ROWS].fill(1)) < pages / 8
    assert faults(lambda: other.array[:ROWS].fill(1)) > pages / 2


@fetches
def test_pages_are_fetched_again_after_their_release():
    arena = Arena(2, np.int64)
    arena.fetch(0, ROWS)
    arena.release(ROWS // 2, ROWS)
    arena.fetch(ROWS // 2, ROWS)
    assert faults(lambda: arena.array[:ROWS].fill(1)) < ROWS * 16 / mmap.PAGESIZE / 8


@pytest.mark.parametrize("ask", [Arena.fetch, Arena.release])
def test_others_run_while_the_system_is_asked(ask):
    """It may take long. A thread that is not made to let others run does so when it waits, or never."""
    usual, ran, begun = sys.getswitchinterval(), threading.Event(), threading.Event()
    arena, other = Arena(2, np.int64), threading.Thread(target=lambda: begun.wait(60) and ran.set())
    other.start()
    sys.setswitchinterval(1000)
    try:
        begun.set()
        for _ in range(100_000):
            if ran.is_set():
                break
            ask(arena, 0, ROWS)
        assert ran.is_set()
    finally:
        sys.setswitchinterval(usual)
        other.join(60)


def test_no_more_is_fetched_than_there_is_room_for():
    arena = Arena(2, np.int64, reserve=16)
    arena.fetch(0, 1000)
    arena.ensure(1000)
    assert not arena.array.any()
