"""Row numbers: dense, given again, and found however full or unlucky the sub-tables are."""

import numpy as np
import pytest

from monolith.table import arena
from monolith.table.arena import Arena
from monolith.table.index import CELL_BYTES, SUBTABLES, Index
from tests.unit.table.reference import unmix

CLASHING = np.array([unmix((3 << 56) + (k << 40) + 15) for k in range(400)])  # one sub-table, one home
SPREAD = np.arange(-20_000, 20_000) * 7919


@pytest.fixture(params=[SPREAD, CLASHING], ids=["spread", "clashing"])
def fids(request):
    return request.param


def test_numbers_are_dense_and_found_again(fids):
    index = Index()
    created, numbers = index.add(fids)
    np.testing.assert_array_equal(created, fids)
    np.testing.assert_array_equal(numbers, np.arange(len(fids)))
    np.testing.assert_array_equal(index.find(fids), numbers)
    assert index.add(fids)[0].size == 0
    assert (index.find(fids + 1) == -1).all()


def test_removed_leave_no_gap_in_a_run(fids):
    index = Index()
    index.add(fids)
    assert index.remove(fids[::3]) == len(fids[::3])
    assert index.remove(fids[::3]) == 0
    np.testing.assert_array_equal(index.find(fids) == -1, np.arange(len(fids)) % 3 == 0)
    kept, _ = index.entries()
    np.testing.assert_array_equal(kept, np.sort(np.delete(fids, np.s_[::3])))


def test_numbers_of_removed_are_given_again(fids):
    index = Index()
    index.add(fids)
    index.remove(fids[:100])
    index.add(fids[:100])
    assert index.end == len(fids) == len(index)
    assert len(set(index.find(fids).tolist())) == len(fids)


def test_subtables_grow_at_different_times():
    """Were all to grow at one load, most would grow within two batches."""
    index, batch = Index(), 1 << 14
    index.add(np.arange(20 * batch))
    grown = []
    for start in range(20 * batch, 50 * batch, batch):
        sizes = index._mask.copy()
        index.add(np.arange(start, start + batch))
        grown.append((index._mask != sizes).sum())
    assert sum(grown) > SUBTABLES
    assert max(grown) < SUBTABLES / 4


def test_first_cells_have_room_however_little_is_granted(monkeypatch):
    """Kernels do not look where an array ends."""
    monkeypatch.setattr(arena, "machine_memory", lambda: 1)
    index = Index()
    assert len(index.subtables()[0]) >= index.memory_bytes / CELL_BYTES


def test_what_freed_numbers_take_is_memory_in_use():
    """A bit each, for as long as numbers as high are given."""
    index, fids = Index(), np.arange(64_000)
    index.add(fids)
    cells = CELL_BYTES * (int(index._mask.sum()) + SUBTABLES)
    assert index.memory_bytes == cells + len(fids) / 8
    index.remove(fids)
    index.cut(0)
    assert index.memory_bytes == cells


def test_cells_lie_in_memory_that_was_fetched(monkeypatch):
    """Whoever grows the index is alone with the rows, and the system may take long over a page."""
    fetched = [0]
    monkeypatch.setattr(Arena, "fetch", lambda _arena, _start, stop: fetched.append(stop))
    index, batch = Index(), 2048
    for at in range(0, 400_000, batch):
        index.fetch_room(batch)
        index.add(np.arange(at, at + batch) * 7919)
        assert int((index._first + index._mask).max()) < fetched[-1], at
