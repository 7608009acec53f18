"""What travels in several messages has the answer of one, and not too many are on their way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monolith.ps.api import Applied, Found, Gradients, Lookup, Stamp
from monolith.ps.chunked_road import ChunkedRoad
from monolith.ps.destination import Destination

LANES, DIM = 2, 2
FIDS = st.lists(
    st.lists(st.integers(-99, 99), unique=True, max_size=20).map(lambda ids: np.array(ids, np.int64)),
    max_size=3,
)
CHUNKS = st.integers(1, 400)


class Watched:
    """A road on which even fids are found and odd ones are new; rows are float16. It counts who is on it."""

    def __init__(self) -> None:
        self.on_it = self.most = 0
        self.stamps: list[Stamp] = []

    async def lookup(self, asked: Sequence[Lookup]) -> list[Found]:
        await self._pass()
        return [Found(_rows(a.fids).astype(np.float16), a.fids % 2 == 0, _odd(a.fids)) for a in asked]

    async def apply(self, asked: Sequence[Gradients], stamp: Stamp) -> list[Applied]:
        await self._pass()
        self.stamps.append(stamp)
        assert all(np.array_equal(a.grads, _rows(a.fids)) for a in asked)
        return [Applied(len(a.fids), _odd(a.fids), duplicate=0 in a.fids) for a in asked]

    async def _pass(self) -> None:
        self.on_it += 1
        self.most = max(self.most, self.on_it)
        await asyncio.sleep(0)
        self.on_it -= 1


def _rows(fids: np.ndarray) -> np.ndarray:
    return np.repeat(fids.astype(np.float32), DIM).reshape(-1, DIM)


def _odd(fids: np.ndarray) -> int:
    return int(np.count_nonzero(fids % 2))


@given(FIDS, CHUNKS)
def test_answers_are_whole_again(fids: list[np.ndarray], chunk: int) -> None:
    watched = Watched()
    road = ChunkedRoad(watched, chunk, asyncio.Semaphore(LANES))
    found = asyncio.run(road.lookup([Lookup("t", f, DIM) for f in fids]))
    for wanted, one in zip(fids, found, strict=True):
        np.testing.assert_array_equal(one.rows, _rows(wanted), strict=True)
        np.testing.assert_array_equal(one.found, wanted % 2 == 0)
        assert one.initialized == _odd(wanted)
    assert watched.most <= LANES


@given(FIDS, CHUNKS)
def test_rows_go_where_they_are_told(fids: list[np.ndarray], chunk: int) -> None:
    """Here backwards, for every other lookup; all else is answered as ever."""
    backwards = [Destination(np.zeros((len(f), DIM), np.float32), np.arange(len(f))[::-1]) for f in fids]
    told = [into if i % 2 else None for i, into in enumerate(backwards)]
    road = ChunkedRoad(Watched(), chunk, asyncio.Semaphore(LANES))
    asked = [Lookup("t", f, DIM, into=into) for f, into in zip(fids, told, strict=True)]
    for wanted, into, one in zip(fids, told, asyncio.run(road.lookup(asked)), strict=True):
        rows, elsewhere = (into.array[::-1], one.rows) if into else (one.rows, one.rows[:0])
        np.testing.assert_array_equal(rows, _rows(wanted), strict=True)
        assert elsewhere.shape == (0, DIM)
        np.testing.assert_array_equal(one.found, wanted % 2 == 0)
        assert one.initialized == _odd(wanted)


@given(FIDS, CHUNKS)
def test_steps_are_counted_together(fids: list[np.ndarray], chunk: int) -> None:
    watched = Watched()
    road = ChunkedRoad(watched, chunk, asyncio.Semaphore(LANES))
    applied = asyncio.run(road.apply([Gradients("t", f, _rows(f)) for f in fids], Stamp(1, 7)))
    assert applied == [Applied(len(f), _odd(f), duplicate=0 in f) for f in fids]
    assert sorted(watched.stamps, key=lambda s: s.part) == [
        Stamp(1, 7, n) for n in range(len(watched.stamps))
    ]
    assert watched.most <= LANES
