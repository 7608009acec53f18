"""Rows, times and marks of a store stay together, whatever fails in between."""

import contextlib
import itertools

import numpy as np
import pytest

from monolith.table import store as stores
from monolith.table.arena import Arena
from monolith.table.config import Adagrad, RandomUniform, Segment, TableConfig
from monolith.table.index import SUBTABLES
from monolith.table.table import Table
from tests.unit.table.exhausted import running_out

CONFIG = TableConfig((Segment(2, RandomUniform(), Adagrad()),))
GONE, LEARNED, KEPT = np.arange(2000), np.arange(2000, 2500), np.arange(2500, 4000)
NEW = np.array([*range(9000, 9100), 2, 9001])  # of whom one left, and one comes twice


def followed_table():
    """Rows that are each as old as its id; of some, a journal has noted that they changed."""
    table = Table(CONFIG, seed=3, dated=True)
    table.journal().reader().begin()
    for fids in (GONE, LEARNED, KEPT):
        table.apply(fids, np.ones((len(fids), 2)), times=fids + 1)
    reader = table.journal().reader()
    reader.begin()
    for fids in (GONE, LEARNED):
        table.apply(fids, np.ones((len(fids), 2)), times=fids + 1)
    table.evict(GONE)
    table._store.index.begin_closing()
    return table, reader


def told(reader):
    """Who changed, or None for all."""
    fids = reader.ahead().fids
    return None if fids is None else set(np.concatenate([np.empty(0, np.int64), *fids]).tolist())


def same(one, other):
    names = ("fids", "values", "slots", "times")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


WORKS = {
    "rows move": lambda store: store.close_gaps((0, SUBTABLES // 32)),
    "rows leave": lambda store: store.forget(KEPT),
    "rows come": lambda store: store.find_or_create(NEW),
}


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for_good"])
@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS)
def test_whatever_finds_no_memory_changes_no_row(work, for_good):
    """Each array that is made on the way fails once; after that it works, and who changes is told."""
    for granted in itertools.count():
        table, reader = followed_table()
        before = table.export()
        try:
            with running_out(granted, for_good=for_good):
                work(table._store)
            break
        except MemoryError:
            assert same(table.export(), before)
        work(table._store)
        there = table.export()
        assert there.known_times[np.isin(there.fids, NEW)].sum() == 0
        table.apply(there.fids, np.ones((len(there), 2)))
        changed = told(reader)
        assert changed is None or changed >= set(there.fids.tolist())
    assert granted > 0


def test_rows_learn_or_know_of_nothing():
    """A step that finds no memory leaves rows, times and notes as they were."""
    fids, noted = np.concatenate([KEPT, NEW]), set(np.concatenate([GONE, LEARNED]).tolist())
    ones, late = np.ones((len(fids), 2), np.float32), np.full(len(fids), 9000, np.uint32)
    for granted in itertools.count():
        table, reader = followed_table()
        before, latest = table.export(), table._store.times.latest
        try:
            with running_out(granted):
                table._store.update(table._learner.assign, fids, ones, late)
            break
        except MemoryError:
            assert same(table.export(), before)
            assert (table._store.times.latest, told(reader)) == (latest, noted)
    assert granted > 0
    assert (table._store.times.latest, told(reader)) == (9000, noted | set(KEPT.tolist()))


def test_no_change_is_lost_for_want_of_memory():
    """A journal that cannot note it has forgotten everything, so that all rows are read."""
    ones = np.ones((len(KEPT), 2), np.float32)
    for granted in itertools.count():
        table, reader = followed_table()
        reader.reached(reader.ahead().position)
        with contextlib.suppress(MemoryError), running_out(granted):
            table._store.update(table._learner.assign, KEPT, ones)
        changed, written = told(reader), (table.peek(KEPT)[0] == ones).all()
        if written and changed is not None:
            break
        assert changed is None or not written
    assert changed == set(KEPT.tolist())
    assert granted > 0


def test_memory_is_given_back_a_little_at_a_time(monkeypatch):
    monkeypatch.setattr(stores, "CUT_AT_ONCE", 1)
    table, fids = Table(CONFIG), np.arange(20_000)
    table.find_or_insert(fids)
    table.evict(fids[1:])
    ends = []
    monkeypatch.setattr(table._store.index, "end_closing", lambda: ends.append(-1))
    cut = table._store.index.cut

    def cutting(least):
        before = cut(least)
        ends.append(table._store.index.end)
        return before

    monkeypatch.setattr(table._store.index, "cut", cutting)
    table.close_gaps()
    assert ends == [16384, 12288, 8192, 4096, 1, 1, -1]


def test_marks_of_a_journal_are_memory_in_use_until_their_rows_go():
    """What it has noted is not: no row leaves a server for changes that a target has yet to see."""
    table, fids = Table(CONFIG), np.arange(20_000)
    table.find_or_insert(fids)
    before = table.memory_bytes
    table.journal().reader().begin()
    assert table.memory_bytes == before + 4 * len(fids)
    table.assign(fids, np.ones((len(fids), 2)))
    assert table.memory_bytes == before + 4 * len(fids)
    table.evict(fids[1:])
    table.close_gaps()
    assert table.memory_bytes < before / 2


def test_rows_times_and_cells_are_fetched(monkeypatch):
    """Each from its arena, before rows come."""
    store, fetched = followed_table()[0]._store, []
    monkeypatch.setattr(Arena, "fetch", lambda arena, start, _: fetched.append((id(arena), start)))
    store.fetch_room(10)
    assert len(dict(fetched)) == 3
    assert [start for _, start in fetched][:2] == [store.index.end] * 2
