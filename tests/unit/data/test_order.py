"""Which worker reads what."""

from __future__ import annotations

import pytest

from monolith.data.index import Block, Index, Part
from monolith.data.order import WINDOW_ROWS, share, windows
from monolith.data.reading import Reading

INDEX = Index(
    tuple(Part(f"part-{i}", 100, 0, tuple(Block(10 * j, 10_000) for j in range(3))) for i in range(4))
)


@pytest.mark.parametrize("num_workers", range(1, 15))
def test_every_block_has_one_reader(num_workers):
    shares = [share(INDEX, worker, num_workers) for worker in range(num_workers)]
    every = [(part.name, block.offset) for part in INDEX.parts for block in part.blocks]
    assert sorted((place.file, place.block.offset) for held in shares for place in held) == every


@pytest.mark.parametrize("num_workers", range(1, 15))
def test_no_worker_has_much_more_than_another(num_workers):
    sizes = [len(share(INDEX, worker, num_workers)) for worker in range(num_workers)]
    assert max(sizes) - min(sizes) <= 1


def test_a_window_holds_several_blocks():
    places = share(INDEX, 0, 1)
    rows = [window.rows for window in windows(places, Reading(), 0)]
    assert all(WINDOW_ROWS <= count < WINDOW_ROWS + 10_000 for count in rows[:-1])
    assert sum(rows) == INDEX.rows
    kept = list(windows(places, Reading(shuffle=False), 0))
    assert [window.places for window in kept] == [[place] for place in places]
