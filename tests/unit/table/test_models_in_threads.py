"""Threads with ids of their own on one table, each against a dict, under any calls; then saved and restored.

The ids of all threads crowd in the same few sub-tables, which grow, shrink and close their gaps under them.
Eighths add up without rounding, so every value is exact.
"""

from collections.abc import Iterable
from functools import partial

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monolith.table.config import (
    Constants,
    FilterConfig,
    FilterType,
    Segment,
    Sgd,
    SlotExpireTimeConfig,
    SlotOccurrenceThresholdConfig,
    TableConfig,
)
from monolith.table.retention import DAY_S
from monolith.table.table import Table
from tests.unit.table import reference
from tests.unit.table.crowd import hasty, side_by_side, times

THREADS, IDS, DIM = 3, 12, 3
COUNTED, EXPIRING, THRESHOLD = 1, 2, 3  # slots, and how often ids of the first must have occurred
CONFIG = TableConfig(
    (Segment(DIM, Constants(0.5), Sgd(1.0)),),
    slot_occurrence_threshold_config=SlotOccurrenceThresholdConfig({COUNTED: THRESHOLD}, 0),
    slot_expire_time_config=SlotExpireTimeConfig({EXPIRING: 1}),
    filter_config=FilterConfig(FilterType.EXACT_COUNTER, 1000),
)
CROWDED = 200  # the sub-table that all ids of the pool are in
POOL = [
    fid
    for slot in (0, COUNTED, EXPIRING)
    for fid in range(slot << 48, (slot << 48) + 256 * THREADS * IDS * 2)
    if reference.mix(fid) >> 56 == CROWDED
]
CALLS = ("find", "insert", "apply", "assign", "add", "evict", "start_over", "grow")

Call = tuple[str, list[int], int]
calls = st.lists(
    st.tuples(
        st.sampled_from(CALLS),
        st.lists(st.integers(0, IDS * 3 - 1), unique=True, max_size=8),
        st.integers(1, 4),
    ),
    max_size=12,
)
phases = st.lists(
    st.tuples(
        st.lists(calls, min_size=THREADS, max_size=THREADS),
        st.sampled_from(("restore", "expire", "clear", "go on")),
    ),
    min_size=1,
    max_size=3,
)


def slot_of(fid: int) -> int:
    return fid >> 48


class Model:
    """What one thread's rows are: (value, time) by fid, and how often those without a row occurred."""

    def __init__(self, who: int) -> None:
        self.rows: dict[int, tuple[float, int]] = {}
        self.seen: dict[int, int] = {}
        self._pool = POOL[who::THREADS]
        self._more = (10 + who) << 48

    def ask(self, table: Table, calls: list[Call]) -> None:
        for name, places, n in calls:
            fids = [self._pool[place % len(self._pool)] for place in places]
            getattr(self, name)(table, np.array(sorted(set(fids)), np.int64), n)

    def find(self, table: Table, fids: np.ndarray, _: int) -> None:
        self._read(table.find(fids), fids)

    def insert(self, table: Table, fids: np.ndarray, _: int) -> None:
        rows, found = table.find_or_insert(fids)
        assert found.tolist() == [fid in self.rows for fid in fids.tolist()]
        self._start(fid for fid in fids.tolist() if slot_of(fid) != COUNTED)
        self._read((rows, None), fids)

    def apply(self, table: Table, fids: np.ndarray, n: int) -> None:
        counts, grads = np.full(len(fids), n), np.full((len(fids), DIM), n / 8, np.float32)
        table.apply(fids, grads, counts=counts, times=n * DAY_S)
        for fid in fids.tolist():
            if fid not in self.rows and slot_of(fid) == COUNTED:
                before = self.seen.get(fid, 0)
                self.seen[fid] = before + n
                if before < THRESHOLD:
                    continue
            value, time = self.rows.get(fid, (0.5, 0))
            self.rows[fid] = (value - n / 8, max(time, n * DAY_S))

    def assign(self, table: Table, fids: np.ndarray, n: int) -> None:
        table.assign(fids, np.full((len(fids), DIM), n, np.float32))
        self.rows |= {fid: (float(n), self.rows.get(fid, (0.0, 0))[1]) for fid in fids.tolist()}

    def add(self, table: Table, fids: np.ndarray, n: int) -> None:
        table.assign_add(fids, np.full((len(fids), DIM), n, np.float32))
        self._start(fids.tolist())
        self.rows |= {fid: (self.rows[fid][0] + n, self.rows[fid][1]) for fid in fids.tolist()}

    def evict(self, table: Table, fids: np.ndarray, _: int) -> None:
        gone = [fid for fid in fids.tolist() if self.rows.pop(fid, None)]
        assert table.evict(fids) == len(gone)

    def start_over(self, table: Table, fids: np.ndarray, _: int) -> None:
        assert table.reinitialize(fids).tolist() == [fid in self.rows for fid in fids.tolist()]
        self.rows |= {fid: (0.5, self.rows.get(fid, (0.0, 0))[1]) for fid in fids.tolist()}

    def grow(self, table: Table, _: np.ndarray, n: int) -> None:
        """Thousands of others, of whom half leave again."""
        fids = self._more + np.arange(700 * n)
        table.find_or_insert(fids)
        self._start(fids.tolist())
        table.evict(fids[::2])
        for fid in fids[::2].tolist():
            del self.rows[fid]

    def expire(self, now: int) -> None:
        self.rows = {
            fid: (value, time)
            for fid, (value, time) in self.rows.items()
            if slot_of(fid) != EXPIRING or now - time < DAY_S
        }

    def _start(self, fids: Iterable[int]) -> None:
        self.rows |= {fid: (0.5, 0) for fid in fids if fid not in self.rows}

    def _read(self, told: tuple[np.ndarray, np.ndarray | None], fids: np.ndarray) -> None:
        rows, found = told
        expected = [self.rows.get(fid, (0.0, 0))[0] for fid in fids.tolist()]
        assert (rows == np.array(expected, np.float32).reshape(-1, 1)).all()
        assert found is None or found.tolist() == [fid in self.rows for fid in fids.tolist()]


def holds(table: Table, models: list[Model]) -> None:
    """Exactly what all models hold together."""
    rows = table.export()
    expected = sorted((fid, *row) for model in models for fid, row in model.rows.items())
    assert rows.fids.tolist() == [fid for fid, _, _ in expected]
    assert (rows.values == np.array([value for _, value, _ in expected]).reshape(-1, 1)).all()
    assert rows.known_times.tolist() == [time for _, _, time in expected]


def afterwards(what: str, table: Table, models: list[Model]) -> Table:
    """What is done to all rows, once the threads are through."""
    match what:
        case "expire":
            table.expire(2 * DAY_S)
            for model in models:
                model.expire(2 * DAY_S)
        case "restore":
            other = Table(CONFIG)
            other.restore(table.export(), table.filter_state())
            return other
        case "clear":
            table.clear()
            for model in models:
                model.rows, model.seen = {}, {}
    return table


@settings(max_examples=15, deadline=None)
@given(phases)
def test_each_thread_sees_its_own_dict(asked: list[tuple[list[list[Call]], str]]) -> None:
    table, models = Table(CONFIG), [Model(who) for who in range(THREADS)]
    for programs, what in asked:
        works = [partial(m.ask, table, program) for m, program in zip(models, programs, strict=True)]
        with hasty():
            side_by_side([*works, times(2, table.export)], table.close_gaps, within_s=60)
        holds(table, models)
        table = afterwards(what, table, models)
        holds(table, models)
