"""Many threads on one table: nobody reads a row half written, and every gradient counts once.

All columns of a row start alike and get the same gradient, so a row is `k` whole steps old or it is torn.
Fids of different classes get different gradients, so that a row of somebody else shows, too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np
import pytest

from monolith.core.fids import make_fid
from monolith.table.config import Adagrad, Constants, Segment, Sgd, SlotExpireTimeConfig, TableConfig
from monolith.table.retention import DAY_S
from monolith.table.table import Table
from tests.unit.table import reference

CLASSES = 4
UPDATERS = 2
REPEATED = 32  # each fid in a call
STAY, COME, LEAVE, EVICTED, TOLD, SUMMED = range(6)  # slots: of the fids that one kind of thread writes
LEAVE_AT = SlotExpireTimeConfig({LEAVE: 1})


def fids_of(slot: int, count: int) -> np.ndarray:
    return make_fid(slot, 0) + np.arange(count)


STAYING, LEAVING, EVICTABLE = fids_of(STAY, 256), fids_of(LEAVE, 4096), fids_of(EVICTED, 1024)
TOLD_OF, SUMMED_UP = fids_of(TOLD, 128), fids_of(SUMMED, 128)  # few, each many times a call: they meet often


def grads_of(fids: np.ndarray, dim: int) -> np.ndarray:
    """(n, dim); eighths, which add up without rounding."""
    return np.repeat((1 + fids % CLASSES) / 8, dim).reshape(-1, dim)


class Ages:
    """How rows look after `k` steps, by class: what `reference` says, (CLASSES, steps + 1, w and state)."""

    def __init__(self, table: Table, steps: int) -> None:
        optimizer = table.config.segments[0].optimizer
        state = getattr(optimizer, "initial_accumulator_value", None)
        self._dim = table.dim
        self._rows = np.empty((CLASSES, steps + 1, 1 if state is None else 2))
        for fid in range(CLASSES):
            row = np.ones(1), np.array([] if state is None else [state])
            for k in range(steps + 1):
                self._rows[fid, k] = np.concatenate(row)
                row = reference.step(
                    optimizer, *row, grads_of(np.array([fid]), 1)[0], optimizer.learning_rate
                )

    def of(self, fids: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """How many steps old each row (n, dim or more) is; it must be that in each of its columns."""
        ages = np.empty(len(fids), int)
        for c in range(CLASSES):
            mine = np.flatnonzero(fids % CLASSES == c)
            ages[mine] = self._nearest(c, rows[mine, 0])
            known = self._rows[c, ages[mine]]
            expected = np.repeat(known, self._dim, axis=1)[:, : rows.shape[1]]
            step = np.abs(np.diff(self._rows[c, :, 0])).min()
            torn = np.abs(rows[mine] - expected).max(axis=1, initial=0) > step / 4
            assert not torn.any(), f"of several ages: {rows[mine][torn][0, ::7].tolist()}"
        return ages

    def _nearest(self, c: int, weights: np.ndarray) -> np.ndarray:
        falling = self._rows[c, :, 0]
        between = (falling[1:] + falling[:-1]) / 2
        return np.searchsorted(-between, -weights)


class Crowd:
    """What the threads do, each its `rounds`, and what whoever looks must see meanwhile."""

    def __init__(self, table: Table, rounds: int) -> None:
        self.table, self._rounds = table, rounds
        self.ages = Ages(table, UPDATERS * rounds * REPEATED)
        self._seen = np.zeros(len(STAYING), int)
        for fids in (STAYING, TOLD_OF, SUMMED_UP):
            table.find_or_insert(fids)

    def update(self, who: int) -> None:
        order = np.random.default_rng(who)
        for _ in range(self._rounds):
            fids = order.permutation(np.tile(STAYING, REPEATED))
            assert self.table.apply(fids, grads_of(fids, self.table.dim)) == 0

    def come(self) -> None:
        """The index grows; nobody is asked twice."""
        for fids in np.split(fids_of(COME, 1000 * self._rounds), self._rounds):
            rows, found = self.table.find_or_insert(fids)
            assert (rows == 1).all()
            assert not found.any()

    def leave(self) -> None:
        """Rows expire, and others get their memory."""
        for _ in range(self._rounds):
            self._come(LEAVING)
            assert self.table.expire(2 * DAY_S) == len(LEAVING)
            assert not self.table.find(LEAVING)[1].any()

    def evict(self) -> None:
        for turn in range(4 * self._rounds):
            fids = np.roll(EVICTABLE, turn)
            self._come(fids)
            assert self.table.evict(fids) == len(fids)
            assert not self.table.find(fids)[1].any()

    def _come(self, fids: np.ndarray) -> None:
        assert self.table.apply(fids, grads_of(fids, self.table.dim), times=1) == len(fids)
        rows, found = self.table.find(fids)
        assert found.all()
        assert (self.ages.of(fids, rows) == 1).all()

    def tell(self) -> None:
        fids = np.tile(TOLD_OF, REPEATED)
        rows = np.ones((len(fids), self.table.dim), np.float32)
        for turn in range(self._rounds):
            self.table.assign(fids, np.float32(turn) * rows)

    def add(self, who: int) -> None:
        fids = np.random.default_rng(who).permutation(np.tile(SUMMED_UP, REPEATED))
        ones = np.ones((len(fids), self.table.dim), np.float32)
        for _ in range(self._rounds):
            self.table.assign_add(fids, ones)

    def look(self) -> None:
        """Rows of fids that stay are whole and there and never younger than before; others are whole."""
        rows, found = self.table.find(STAYING)
        assert found.all()
        ages = self.ages.of(STAYING, rows)
        assert (ages >= self._seen).all()
        self._seen = ages
        for fids in (TOLD_OF, SUMMED_UP):
            rows, found = self.table.find(fids)
            assert found.all()
            assert (rows.min(axis=1) == rows.max(axis=1)).all()
        rows, found = self.table.find(LEAVING)
        assert (rows[~found] == 0).all()
        self.ages.of(LEAVING[found], rows[found])

    def export(self) -> None:
        rows = self.table.export()
        assert (np.diff(rows.fids) > 0).all()
        kept = np.isin(rows.fids, STAYING)
        assert kept.sum() == len(STAYING)
        self.ages.of(rows.fids[kept], np.hstack([rows.values, rows.slots])[kept])

    def all_came_true(self) -> None:
        steps = UPDATERS * self._rounds * REPEATED
        assert (self.ages.of(STAYING, self.table.find(STAYING)[0]) == steps).all()
        assert (self.table.find(SUMMED_UP)[0] == 1 + UPDATERS * self._rounds * REPEATED).all()
        assert (self.table.find(TOLD_OF)[0] == self._rounds - 1).all()
        assert len(self.table) == len(STAYING) + len(TOLD_OF) + len(SUMMED_UP) + 1000 * self._rounds


@pytest.fixture
def _hasty() -> Iterator[None]:
    """Threads take turns a hundred times as often as usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 100)
    yield
    sys.setswitchinterval(usual)


def side_by_side(works: list[Callable[[], None]], meanwhile: Callable[[], None]) -> None:
    """Do all `works`, each in a thread, and `meanwhile` over and over until the last or the first to fail."""
    with ThreadPoolExecutor(len(works)) as pool:
        futures: list[Future[None]] = [pool.submit(work) for work in works]
        while wait(futures, timeout=0).not_done:
            meanwhile()
            for future in wait(futures, timeout=0).done:
                future.result()
    for future in futures:
        future.result()


def crowded(dim: int, optimizer: Sgd | Adagrad, rounds: int) -> None:
    table = Table(TableConfig([Segment(dim, Constants(1), optimizer)], slot_expire_time_config=LEAVE_AT))
    crowd = Crowd(table, rounds)
    updaters = [lambda who=who: crowd.update(who) for who in range(UPDATERS)]
    adders = [lambda who=who: crowd.add(who) for who in range(UPDATERS)]
    watchers = [lambda: [crowd.export() for _ in range(rounds // 4)]]
    side_by_side(
        [*updaters, *adders, *watchers, crowd.come, crowd.leave, crowd.evict, crowd.tell], crowd.look
    )
    crowd.all_came_true()


KINDS = [pytest.param(16, Sgd(1), id="a line"), pytest.param(67, Adagrad(0.5, 0.25), id="nine lines")]


@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize(("dim", "optimizer"), KINDS)
def test_rows_are_whole_and_steps_count_once(dim: int, optimizer: Sgd | Adagrad) -> None:
    crowded(dim, optimizer, rounds=20)


@pytest.mark.soak
@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize(("dim", "optimizer"), KINDS)
def test_they_are_for_long(dim: int, optimizer: Sgd | Adagrad) -> None:
    crowded(dim, optimizer, rounds=200)


HOT, WIDE, TURNS = np.full(256, 7), 1024, 1000


@pytest.mark.usefixtures("_hasty")
def test_a_row_that_all_want_is_whole() -> None:
    """One wide row, which takes long to read and to change, so that threads are certain to meet there."""
    table = Table(TableConfig([Segment(WIDE, Constants(0), Sgd(1))]))
    table.find_or_insert(HOT)
    ones, seen = np.ones((len(HOT), WIDE)), [0.0]

    def add() -> None:
        for _ in range(TURNS):
            table.assign_add(HOT, ones)

    def look() -> None:
        rows, _ = table.find(HOT)
        assert (rows.min(axis=1) == rows.max(axis=1)).all()
        assert (np.diff(rows[:, 0], prepend=seen[0]) >= 0).all()
        seen[0] = rows[-1, 0]

    side_by_side([add, add], look)
    assert (table.find(HOT)[0] == 2 * TURNS * len(HOT)).all()
