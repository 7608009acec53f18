"""Memory that grows: in place while the reservation lasts, by moving where the system grants none."""

import mmap

import numpy as np
import pytest

from monolith.table.arena import SMALL, Arena


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
