"""A copy that is kept up by a journal equals its table, whatever happens, and at whatever pace it follows."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from monolith.table import journal as journals
from monolith.table.config import Constants, Segment, Sgd, TableConfig
from monolith.table.journal import Journal, Reader
from monolith.table.noted import FIRST, Noted, distinct
from monolith.table.table import Table
from monolith.table.turns import Turns

CONFIG = TableConfig((Segment(2, Constants(1.0), Sgd(learning_rate=0.5)),))
IDS = st.lists(st.integers(0, 9), max_size=6).map(lambda ids: np.array(ids, np.int64))


class Copy:
    """A dict of rows that does what a journal tells it."""

    def __init__(self, table: Table) -> None:
        self.table, self.rows, self.whole = table, {}, 0
        self.reader: Reader = table.journal().reader()

    def follow(self) -> None:
        fids, position = self.reader.ahead()
        if fids is None:
            self.reader.begin()
            self.rows, self.whole = {}, self.whole + 1
            self._take([piece.fids for piece in self.table.pieces()])
        else:
            self._take(fids)
            self.reader.reached(position)

    def _take(self, chunks: list[np.ndarray]) -> None:
        for fids in chunks:
            for fid, row, found in zip(fids.tolist(), *self.table.peek(fids), strict=True):
                self.rows.pop(fid, None)
                if found:
                    self.rows[fid] = row.tolist()

    def equals(self, *, unseen: bool = False) -> bool:
        """But for rows that only a lookup created: those are not changed."""
        there = self.table.export()
        held = dict(zip(there.fids.tolist(), there.values.tolist(), strict=True))
        missed = held.keys() - self.rows.keys()
        return self.rows.items() <= held.items() and (unseen or not missed)


def table() -> Table:
    return Table(CONFIG)


def learn(of: Table, *ids: int) -> None:
    of.apply(np.array(ids, np.int64), np.ones((len(ids), 2)))


class Following(RuleBasedStateMachine):
    """One copy follows each step, one now and then. The journal is so small that it overflows sometimes."""

    @initialize(most=st.integers(1, 40))
    def begin(self, most: int) -> None:
        self.table = table()
        self.table.journal()._most = most
        self.copies = [Copy(self.table) for _ in range(2)]

    @rule(ids=IDS)
    def learns(self, ids):
        learn(self.table, *ids)

    @rule(ids=IDS)
    def looked_up(self, ids):
        self.table.find_or_insert(ids)

    @rule(ids=IDS, value=st.integers(0, 3))
    def assigned(self, ids, value):
        self.table.assign(ids, np.full((len(ids), 2), value))

    @rule(ids=IDS)
    def added(self, ids):
        self.table.assign_add(ids, np.ones((len(ids), 2)))

    @rule(ids=IDS)
    def evicted(self, ids):
        self.table.evict(ids)

    @rule(rows=st.integers(0, 5))
    def shrunk(self, rows):
        self.table.shrink(rows)

    @rule(ids=IDS)
    def reinitialized(self, ids):
        self.table.reinitialize(ids)

    @rule()
    def restored(self):
        other = table()
        learn(other, 1, 1, 2)
        self.table.restore(other.export())

    @rule()
    def gaps_closed(self):
        self.table.close_gaps()

    @rule()
    def cleared(self):
        self.table.clear()

    @invariant()
    def one_follows_closely(self):
        self._follow(0)

    @rule()
    def followed(self):
        self._follow(1)

    @rule(one=st.sampled_from([0, 1]))
    def left(self, one):
        self.copies[one].reader.close()
        self.copies[one] = Copy(self.table)

    def _follow(self, one):
        self.copies[one].follow()
        assert self.copies[one].equals(unseen=True)


TestFollowing = Following.TestCase
TestFollowing.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_the_first_look_is_at_all_rows() -> None:
    there = table()
    learn(there, 1, 2)
    copy = Copy(there)
    copy.follow()
    assert copy.equals()
    assert copy.whole == 1


def test_only_what_changed_is_told() -> None:
    there = table()
    copy = Copy(there)
    copy.follow()
    learn(there, 3, 1, 3)
    there.find_or_insert(np.array([4]))
    assert [fids.tolist() for fids in copy.reader.ahead().fids] == [[3, 1]]


@pytest.mark.parametrize(
    ("before", "changed", "after"),
    [
        pytest.param(range(0), range(10), range(20, 30), id="takes_the_place_of_one_that_moved"),
        pytest.param(range(10), range(5), range(5, 10), id="moves_to_where_a_changed_one_was"),
    ],
)
def test_who_is_elsewhere_now_is_told(before: range, changed: range, after: range) -> None:
    there = table()
    learn(there, *before)
    copy = Copy(there)
    copy.follow()
    learn(there, *changed)
    there.evict(np.arange(5))
    there.close_gaps()
    learn(there, *after)
    copy.follow()
    assert copy.equals()


def test_until_it_is_reached_it_is_told_again() -> None:
    there = table()
    copy = Copy(there)
    copy.follow()
    learn(there, 1)
    first = copy.reader.ahead()
    assert [fids.tolist() for fids in copy.reader.ahead().fids] == [[1]]
    learn(there, 2)
    Copy(there).follow()  # ends an epoch
    copy.reader.reached(first.position)
    assert [fids.tolist() for fids in copy.reader.ahead().fids] == [[2]]


def test_nothing_changed_ends_no_epoch() -> None:
    copy = Copy(table())
    copy.follow()
    assert copy.reader.ahead() == copy.reader.ahead() == ([], copy.reader.position)


def test_what_all_have_seen_is_dropped() -> None:
    there = table()
    copies = [Copy(there), Copy(there)]
    for copy in copies:
        copy.follow()
    learn(there, *range(100))
    copies[0].follow()
    assert there.journal().memory_bytes == 800
    copies[1].reader.close()
    assert there.journal().memory_bytes == 0


def test_who_is_away_costs_a_row_once() -> None:
    there = table()
    away, near = Copy(there), Copy(there)
    away.follow()
    for _ in range(64):
        learn(there, *range(100))
        near.follow()
    assert there.journal().memory_bytes < 8 * 100 * 8
    away.follow()
    assert away.equals()
    assert (away.whole, near.whole) == (1, 1)


@pytest.mark.parametrize("epochs", [1, 3])
def test_overflow_is_followed_by_everything(epochs: int) -> None:
    there = table()
    there.journal()._most = 10
    away, near = Copy(there), Copy(there)
    away.follow()
    near.follow()
    for epoch in range(epochs):
        learn(there, *range(100 * epoch, 100 * epoch + 12 // epochs))
        near.follow()
    away.follow()
    assert away.whole == 2
    assert near.whole == (2 if epochs == 1 else 1)
    assert there.journal().memory_bytes <= 80
    assert away.equals()


def test_marks_of_long_ago_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "_MARKS", 4)
    there = table()
    copy = Copy(there)
    copy.follow()
    for _ in range(9):
        learn(there, 1)
        copy.follow()
        assert copy.equals()
    learn(there, 2)
    for _ in range(3):
        learn(there, 1)
        copy.follow()
    learn(there, 2)
    copy.follow()
    assert copy.equals()
    assert copy.whole == 1


def test_no_change_of_many_threads_is_lost() -> None:
    there = table()
    copies = [Copy(there), Copy(there)]
    for copy in copies:
        copy.follow()

    def change(thread: int) -> None:
        drawn = np.random.default_rng(thread)
        for _ in range(300):
            learn(there, *drawn.integers(0, 500, 64))
            if thread == 0:
                there.evict(drawn.integers(0, 500, 8))

    with ThreadPoolExecutor(6) as threads:
        changing = [threads.submit(change, n) for n in range(3)]
        while not all(one.done() for one in changing):
            copies[0].follow()
            if len(there.journal()._closed) > 3:
                copies[1].follow()
        for one in changing:
            one.result()
    for copy in copies:
        copy.follow()
        assert copy.equals()
        assert copy.whole == 1


def test_an_epoch_ends_when_nobody_changes() -> None:
    turns = Turns()
    journal = Journal(turns.alone)
    with ThreadPoolExecutor(1) as thread:
        with turns.shared:
            cut = thread.submit(journal.cut)
            while not (turns.waiting or cut.done()):
                time.sleep(0.001)
            assert not cut.done()
        assert cut.result() == journal.cut()


@pytest.mark.parametrize("sizes", [(), (1,), (FIRST, 1), (3, 5 * FIRST, 0, 2)])
def test_noted_is_what_was_added(sizes: tuple[int, ...]) -> None:
    noted, batches = Noted(), [np.arange(size) for size in sizes]
    for batch in batches:
        noted.add(batch)
    expected = [fid for batch in batches for fid in batch]
    assert [fid for chunk in noted.chunks for fid in chunk] == expected
    assert len(noted) == len(expected)


@pytest.mark.parametrize("chunks", [([2, 1], [1]), ([5], [5], [5], [5]), ([], [3])])
def test_distinct_is_each_once(chunks: tuple[list[int], ...]) -> None:
    arrays = [np.array(chunk, np.int64) for chunk in chunks]
    assert distinct(arrays).tolist() == sorted({fid for chunk in chunks for fid in chunk})


def test_a_journal_alone_has_room_for_marks() -> None:
    journal = Journal(Turns().alone)
    journal.begin_anew(10, 5)
    marks, room, epoch = journal.marking(3)
    assert len(marks) >= 5
    assert len(room) == 3
    assert epoch > 0
