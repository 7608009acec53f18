"""Many threads on one table: nobody reads a row half written, and every gradient counts once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from monolith.core.fids import make_fid
from monolith.table.config import Adagrad, Constants, Segment, Sgd, SlotExpireTimeConfig, TableConfig
from monolith.table.retention import DAY_S
from monolith.table.sharing import CHANGED_AT_ONCE
from monolith.table.steps import Step
from monolith.table.table import Table
from tests.unit.table.crowd import Ages, Follower, grads_of, hasty, side_by_side, times

UPDATERS = 2
REPEATED = 32  # each fid in a call
STAY, COME, LEAVE, EVICTED, TOLD, SUMMED = range(6)  # slots: of the fids that one kind of thread writes
LEAVE_AT = SlotExpireTimeConfig({LEAVE: 1})


def fids_of(slot: int, count: int) -> np.ndarray:
    first: int = make_fid(slot, 0)
    return np.arange(first, first + count)


STAYING, LEAVING, EVICTABLE = fids_of(STAY, 256), fids_of(LEAVE, 4096), fids_of(EVICTED, 1024)
TOLD_OF, SUMMED_UP = fids_of(TOLD, 128), fids_of(SUMMED, 128)  # few, each many times a call: they meet often


class Crowd:
    """What the threads do, each its `rounds`, and what whoever looks must see meanwhile."""

    def __init__(self, table: Table, rounds: int) -> None:
        self.table, self._rounds = table, rounds
        self.ages = Ages(table, UPDATERS * rounds * REPEATED)
        self._seen = np.zeros(len(STAYING), int)
        for fids in (STAYING, TOLD_OF, SUMMED_UP):
            table.find_or_insert(fids)
        self.follower = Follower(table)

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
        self.follower.knows_all()
        steps = UPDATERS * self._rounds * REPEATED
        assert (self.ages.of(STAYING, self.table.find(STAYING)[0]) == steps).all()
        assert (self.table.find(SUMMED_UP)[0] == 1 + UPDATERS * self._rounds * REPEATED).all()
        assert (self.table.find(TOLD_OF)[0] == self._rounds - 1).all()
        assert len(self.table) == len(STAYING) + len(TOLD_OF) + len(SUMMED_UP) + 1000 * self._rounds


@pytest.fixture
def _hasty() -> Iterator[None]:
    with hasty():
        yield


def crowded(dim: int, optimizer: Sgd | Adagrad, rounds: int) -> None:
    table = Table(TableConfig([Segment(dim, Constants(1), optimizer)], slot_expire_time_config=LEAVE_AT))
    crowd = Crowd(table, rounds)
    updaters = [lambda who=who: crowd.update(who) for who in range(UPDATERS)]
    adders = [lambda who=who: crowd.add(who) for who in range(UPDATERS)]
    now_and_then = [
        times(rounds // 4, work) for work in (crowd.export, crowd.follower.follow, table.close_gaps)
    ]
    others = [crowd.come, crowd.leave, crowd.evict, crowd.tell, *now_and_then]
    side_by_side([*updaters, *adders, *others], crowd.look)
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
    step, seen = table.judge(Step(HOT, -np.ones((len(HOT), WIDE), np.float32))), [0.0]

    def add() -> None:
        for _ in range(TURNS):
            table.take(step)  # nothing but changes: judging each would take as long

    def look() -> None:
        rows, _ = table.find(HOT)
        assert (rows.min(axis=1) == rows.max(axis=1)).all()
        assert (np.diff(rows[:, 0], prepend=seen[0]) >= 0).all()
        seen[0] = rows[-1, 0]

    side_by_side([add, add], look)
    assert (table.find(HOT)[0] == 2 * TURNS * len(HOT)).all()


KEPT, MOST, STORMS = fids_of(STAY, 256), 2000, 6


class Upheaval:
    """All rows are replaced, forgotten and squeezed again and again, while others go on with theirs."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.ages = Ages(table, 2 + UPDATERS * 4 * STORMS * REPEATED)
        for _ in range(2):
            table.apply(KEPT, grads_of(KEPT, table.dim), step=1)
        self.saved = table.export()
        self.follower = Follower(table)
        self._steps = itertools.count(2)

    def update(self) -> None:
        fids = np.tile(KEPT, REPEATED)
        for step in itertools.islice(self._steps, 4 * STORMS):
            self.table.apply(fids, grads_of(fids, self.table.dim), step=step)

    def bring(self, slot: int) -> None:
        """More than the table may hold."""
        for turn, step in enumerate(itertools.islice(self._steps, 4 * STORMS)):
            fids = fids_of(slot, 1000) + 1000 * turn
            self.table.apply(fids, grads_of(fids, self.table.dim), step=step)

    def storm(self) -> None:
        for turn in range(STORMS):
            self.table.restore(self.saved)
            self.table.retire(100)
            self.table.shrink(MOST // (1 + turn % 3))
            self.table.clear()

    def look(self) -> None:
        assert len(self.table) <= MOST + CHANGED_AT_ONCE
        for fids in (KEPT, fids_of(COME, 1000)):
            rows, found = self.table.find(fids)
            assert not rows[~found].any()
            self.ages.of(fids[found], rows[found])

    def export(self) -> None:
        rows = self.table.export()
        self.ages.of(rows.fids, np.hstack([rows.values, rows.slots]))


@pytest.mark.usefixtures("_hasty")
def test_rows_are_whole_while_all_are_replaced() -> None:
    """And whoever follows misses nothing, and afterwards the table is as any other."""
    config = TableConfig([Segment(16, Constants(1), Adagrad(0.5, 0.25))], max_rows=MOST)
    table = Table(config, dated=True)
    there = Upheaval(table)
    works = [there.update, there.update, lambda: there.bring(COME), lambda: there.bring(LEAVE), there.storm]
    watchers = (there.export, table.close_gaps, there.follower.follow, table.stats)
    side_by_side([*works, *(times(STORMS, watch) for watch in watchers)], there.look)
    there.follower.knows_all()
    table.restore(there.saved)
    table.apply(KEPT, grads_of(KEPT, 16), step=10**6)
    assert len(table) == len(KEPT)
    assert (there.ages.of(KEPT, table.find(KEPT)[0]) == 3).all()


GROUP, LADDER = 4096, 40


@pytest.mark.usefixtures("_hasty")
def test_rows_that_move_are_there() -> None:
    """A group comes, the one before it leaves, and the rows of the later one move to where those were."""
    table, current = Table(TableConfig([Segment(16, Constants(1), Sgd(1))])), [0]
    table.find_or_insert(fids_of(0, GROUP))

    def climb() -> None:
        for turn in range(1, LADDER):
            table.find_or_insert(fids_of(turn, GROUP))
            current[0] = turn
            assert table.evict(fids_of(turn - 1, GROUP)) == GROUP
            table.close_gaps()

    def look() -> None:
        turn = current[0]
        rows, found = table.find(fids_of(turn, GROUP))
        assert turn != current[0] or (found.all() and (rows == 1).all())

    side_by_side([climb], look)
    assert len(table) == GROUP


def test_memory_is_found_while_others_may_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may take long over it, and whoever is alone with the rows keeps all others waiting."""
    table = Table(TableConfig((Segment(2),)))
    asked = []
    monkeypatch.setattr(table._store, "fetch_room", lambda count: asked.append((count, table._turns.taken)))
    table.find_or_insert(np.arange(CHANGED_AT_ONCE + 1))
    table.find_or_insert(np.arange(CHANGED_AT_ONCE + 1))
    assert asked == [(CHANGED_AT_ONCE, False), (1, False)]
