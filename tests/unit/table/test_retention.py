"""Tables that admit, expire and make room: against a dict of rows, and as upstream does it."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from monolith.core.errors import ConfigError, DimensionMismatch
from monolith.core.fids import make_fid, slot_of
from monolith.table.config import (
    FilterConfig,
    FilterType,
    Segment,
    Sgd,
    SlotExpireTimeConfig,
    SlotOccurrenceThresholdConfig,
    TableConfig,
    Zeros,
)
from monolith.table.retention import DAY_S
from monolith.table.rows import TableRows
from monolith.table.table import Table
from tests.upstream import by_name, vectors

FIDS = [make_fid(slot, value) for slot in (0, 1, 2, 3) for value in range(4)]
THRESHOLDS = {0: 0, 1: 1, 2: 5}
DAYS = {0: 36500, 1: 0, 2: 3}
MOST = 9
CONFIG = TableConfig(
    (Segment(1, Zeros(), Sgd(1.0)),),
    slot_occurrence_threshold_config=SlotOccurrenceThresholdConfig(THRESHOLDS, 2),
    slot_expire_time_config=SlotExpireTimeConfig(DAYS, 2),
    filter_config=FilterConfig(FilterType.EXACT_COUNTER, 1000),
    max_rows=MOST,
)

batches = st.lists(
    st.tuples(st.sampled_from(FIDS), st.integers(1, 6), st.integers(0, 5)),
    max_size=8,
    unique_by=lambda o: o[0],
)


class TableForgets(RuleBasedStateMachine):
    """The model: fid -> [value, time], and fid -> how often it occurred without a row."""

    @initialize()
    def start(self):
        self.table, self.rows, self.counts, self.latest, self.step = Table(CONFIG), {}, {}, 0, 0
        self.told = 0

    def _oldest_leave(self):
        while len(self.rows) > MOST:
            time = min(time for _, time in self.rows.values())
            equal = [fid for fid, (_, t) in self.rows.items() if t == time]
            # Which of several equally old ones leave is the table's choice.
            known = self.table.find(equal)[1]
            gone = [fid for fid, there in zip(equal, known, strict=True) if not there]
            assert gone
            del self.rows[gone[0]]

    @rule(batch=batches, timed=st.booleans())
    def apply(self, batch, timed):
        self.step += 1
        fids, counts, days = ([o[i] for o in batch] for i in range(3))
        times = [d * DAY_S for d in days]
        told = times if timed else None
        self.table.apply(fids, np.ones((len(fids), 1)), step=self.step, counts=counts, times=told)
        otherwise = max(self.latest, self.step)
        self.told = max(self.told, *(times if timed else ()), 0)
        for fid, count, time in zip(fids, counts, times, strict=True):
            self._occurs(fid, count, time if timed and time else otherwise)
        self._oldest_leave()

    def _occurs(self, fid, count, time):
        threshold = THRESHOLDS.get(slot_of(fid), 2)
        if fid not in self.rows and threshold:
            before = self.counts.get(fid, 0)
            self.counts[fid] = before + count
            if before < threshold:
                return
        value, earlier = self.rows.get(fid, (0, 0))
        self.rows[fid] = (value - 1, max(earlier, time))
        self.latest = max(self.latest, time)

    @rule(batch=batches)
    def look_up(self, batch):
        fids = [fid for fid, _, _ in batch]
        rows, found = self.table.find_or_insert(fids)
        assert found.tolist() == [fid in self.rows for fid in fids]
        assert rows[:, 0].tolist() == [self.rows.get(fid, (0, 0))[0] for fid in fids]
        self.rows |= {fid: (0, 0) for fid in fids if slot_of(fid) == 0 and fid not in self.rows}
        self._oldest_leave()

    @rule(batch=batches)
    def assign(self, batch):
        fids = [fid for fid, _, _ in batch]
        self.table.assign(fids, np.full((len(fids), 1), 7))
        self.rows |= dict.fromkeys(fids, (7, self.latest))
        self._oldest_leave()

    @rule(now=st.none() | st.integers(0, 10))
    def expire(self, now):
        now = None if now is None else now * DAY_S
        at = self.told if now is None else now
        gone = [
            fid
            for fid, (_, time) in self.rows.items()
            if (days := DAYS.get(slot_of(fid), 2)) < 36500 and max(at - time, 0) >= days * DAY_S
        ]
        assert self.table.expire(now) == len(gone)
        for fid in gone:
            del self.rows[fid]

    @rule(batch=batches)
    def evict(self, batch):
        gone = {fid for fid, _, _ in batch} & self.rows.keys()
        assert self.table.evict([fid for fid, _, _ in batch]) == len(gone)
        for fid in gone:
            del self.rows[fid]

    @rule(left=st.integers(0, MOST))
    def shrink(self, left):
        assert self.table.shrink(left) == max(len(self.rows) - left, 0)
        self._only_the_youngest_stayed()

    @rule(count=st.integers(0, MOST))
    def retire(self, count):
        assert self.table.retire(count) == min(count, len(self.rows))
        self._only_the_youngest_stayed()

    def _only_the_youngest_stayed(self):
        stay = set(self.table.export().fids.tolist())
        gone = [self.rows.pop(fid)[1] for fid in self.rows.keys() - stay]
        assert not gone or not self.rows or max(gone) <= min(t for _, t in self.rows.values())

    @rule()
    def close_gaps(self):
        self.table.close_gaps()

    @rule()
    def save_and_restore(self):
        other = Table(CONFIG)
        other.restore(self.table.export(), self.table.filter_state())
        self.table = other
        self.latest = max((t for _, t in self.rows.values()), default=0)

    @invariant()
    def holds_what_the_dict_holds(self):
        rows = self.table.export()
        assert rows.fids.tolist() == sorted(self.rows)
        assert rows.values[:, 0].tolist() == [self.rows[fid][0] for fid in rows.fids.tolist()]
        times = np.zeros(len(rows)) if rows.times is None else rows.times
        assert times.tolist() == [self.rows[fid][1] for fid in rows.fids.tolist()]


TestTableForgets = TableForgets.TestCase
TestTableForgets.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)


def table_of(dim=1, rate=1.0, **config):
    return Table(TableConfig((Segment(dim, Zeros(), Sgd(rate)),), **config))


def days(default, by_slot=()):
    return SlotExpireTimeConfig(by_slot, default)


def thresholds(default, by_slot=()):
    return SlotOccurrenceThresholdConfig(by_slot, default)


def saved(table):
    """What comes back: a save forgets what has expired, and writes the rest."""
    table.expire()
    other = Table(table.config)
    other.restore(table.export())
    return other


@pytest.mark.parametrize("vector", vectors("hash_table_evict"))
def test_rows_expire_as_upstreams(vector):
    given, expect = vector["given"], vector["expect"]
    by_slot = {int(slot): n for slot, n in given.get("slot_expire_days", {}).items()}
    default = given.get("default_expire_days", given.get("expire_days"))
    table = table_of(slot_expire_time_config=days(default, by_slot))
    asked = [write(table, one, given) for one in _entries(given)]
    if "evict_at" in given:
        table.expire(given["evict_at"])
        assert table.find(asked)[0][:, 0].tolist() == expect["values_after"]
        return
    for name in ("lookup_after_restore", "second_save_restore"):
        table = saved(table)
        assert table.find(asked)[0].tolist() == expect.get(name, expect["lookup_after_restore"])


def _entries(given):
    if "assign_add" in given:
        return [{"id": int(fid), "value": value} for fid, value in given["assign_add"].items()]
    return given.get("entries", given.get("updates"))


def write(table, one, given):
    fid = eval(str(one["id"])) if "id" in one else make_fid(one["slot"], one["sig"])
    if "grad" in one:
        table.apply([fid], [[one["grad"]]], times=one["req_time"])
    else:
        table.assign_add([fid], [[one["value"]]], times=one.get("ts", given.get("update_time", 0)))
    return fid


FILTERS = by_name("hash_filter")
SLIDING = [
    "gradient_mask_threshold_3",
    "save_restore_keeps_counts",
    "many_splits_meta_after_two_rounds",
    "many_splits_after_restore",
]


@pytest.mark.parametrize("kind", [FilterType.SLIDING_HASH_FILTER, FilterType.EXACT_COUNTER])
@pytest.mark.parametrize("name", SLIDING)
def test_gradients_count_from_the_threshold_on(name, kind):
    """Each occurrence has a gradient of -1, of which the table keeps the sum; each round is saved."""
    first = FILTERS[name]["given"].get("same_as")
    given = FILTERS[first or name]["given"]
    rounds = [*(FILTERS[first]["expect"]["gradient_multiplier_per_round"] if first else [])]
    rounds += FILTERS[name]["expect"]["gradient_multiplier_per_round"]
    filters = FilterConfig(kind, given.get("capacity", 1000), given.get("split_num", 7))
    config = {"slot_occurrence_threshold_config": thresholds(given["threshold"]), "filter_config": filters}
    table, ids = table_of(**config), given["ids"]
    expected = dict.fromkeys(ids, 0)
    for multipliers in rounds:
        table.apply(ids, -np.ones((len(ids), 1)))
        for fid, multiplier in zip(ids, multipliers, strict=True):
            expected[fid] += multiplier
        assert table.find(list(expected))[0][:, 0].tolist() == list(expected.values())
        other = table_of(**config)
        other.restore(table.export(), table.filter_state())
        table = other


def test_thresholds_bind_lookups_but_not_writes():
    table = table_of(slot_occurrence_threshold_config=thresholds(1, {3: 0}))
    assert table.look_up([1, make_fid(3, 1)], create=True).created == 1
    table.assign([2], [[5]])
    assert table.find([1, 2, make_fid(3, 1)])[1].tolist() == [False, True, True]


def test_dropped_gradients_are_counted_by_slot():
    table = table_of(slot_occurrence_threshold_config=thresholds(2))
    fids = [make_fid(4, 1), make_fid(4, 2), make_fid(5, 1)]
    assert table.take(table.judge(_step(fids))) == (0, 3)
    table.apply(fids[:1], [[1]], counts=[2])
    assert table.take(table.judge(_step(fids))) == (1, 2)
    told = table.stats()
    assert (told.usage.filtered, told.slots[4].filtered, told.slots[5].filtered) == (6, 4, 2)


def _step(fids):
    from monolith.table.steps import Step

    return Step(np.array(fids), np.ones((len(fids), 1), np.float32))


def test_evicted_rows_are_counted_and_used_again():
    table = table_of(max_rows=100)
    for start in range(0, 10_000, 50):
        table.apply(np.arange(start, start + 50), np.ones((50, 1)), step=start)
        held = table.memory_bytes
    assert (len(table), table.stats().usage.evicted) == (100, 9_900)
    assert table.export().fids.tolist() == list(range(9_900, 10_000))
    table.apply(np.arange(50), np.ones((50, 1)), step=20_000)
    assert table.memory_bytes == held


def test_a_row_used_again_has_no_time():
    table = table_of(slot_expire_time_config=days(1))
    table.assign([1, 2], [[1], [1]], times=10 * DAY_S)
    table.evict([1])
    table.assign([3], [[1]])
    assert table.export().times.tolist() == [10 * DAY_S, 0]


@pytest.mark.parametrize("told", [0, 3 * DAY_S])
def test_a_budget_does_not_change_what_expires(told):
    """Where nobody tells times nothing does, though by its steps it could; else by what was told."""
    for budget in ({}, {"max_rows": 100}):
        table = table_of(slot_expire_time_config=days(1), **budget)
        for step, fid in enumerate((1, 2), start=1):
            table.apply([fid], [[1]], step=step * 2 * DAY_S, times=told and step * told)
        assert table.expire() == (1 if told else 0), budget
        assert saved(table).expire() == 0


@pytest.mark.parametrize(("told", "gone"), [(None, 1), (0, 0), (5 * DAY_S, 2)])
def test_a_restored_table_knows_how_late_it_was(told, gone):
    """As late as its newest row, unless somebody knows better, or these times are steps."""
    table, rows = table_of(slot_expire_time_config=days(2)), np.zeros((2, 1), np.float32)
    times = np.array([1, 3], np.uint32) * DAY_S
    table.restore(TableRows(np.arange(2), rows, rows[:, :0], times, told))
    assert table.expire() == gone


def test_a_step_is_no_older_than_events_before():
    """Of a table that was told times and then no more, those leave that were updated before."""
    table, event = table_of(max_rows=10), 1_700_000_000
    table.apply(np.arange(10), np.ones((10, 1)), step=1, times=event)
    table.apply([0], [[1]], step=2, times=event + 1)
    table.apply(np.arange(10, 18), np.ones((8, 1)), step=3)
    table.assign([18], [[1]])
    assert table.export().fids.tolist() == [0, *range(10, 19)]


def test_late_events_make_no_row_older():
    table = table_of()
    for time in (5, 9, 7):
        table.apply([1], [[1]], times=time)
    assert table.export().times.tolist() == [9]


def test_nobody_tells_times_none_are_kept():
    table = table_of()
    table.apply([1], [[1]], step=7)
    assert table.export().times is None


def test_budget_holds_and_is_well_used():
    budget = 1_000_000
    table = table_of(4, memory_budget_bytes=budget)
    for start in range(0, 30_000, 100):
        table.apply(np.arange(start, start + 100), np.ones((100, 4)), step=start)
    assert budget / 2 < table.memory_bytes <= budget


MANY = np.arange(100_000)  # seven slices
AGES = np.random.default_rng(5).permutation(MANY)  # of each; the oldest first


def come(table, fids, each):
    """So many rows at a time, all younger than those of MANY."""
    for start in range(0, len(fids), each):
        some = fids[start : start + each]
        table.assign(some, np.ones((len(some), 1)), times=len(MANY) + 1 + start)


LEAVING = {
    "retire": (lambda table, count: table.retire(count), 100),
    "shrink": (lambda table, count: table.shrink(len(MANY) - count), 100),
    "make room for some": (lambda table, count: come(table, -1 - MANY[:count], 100), 20),
    "make room for many": (lambda table, count: come(table, -1 - MANY[:count], 5_000), 12),
}


@pytest.mark.parametrize("count", [3, 2_000, 50_000, 100_000])
@pytest.mark.parametrize("why", LEAVING)
def test_those_who_leave_are_nearly_the_oldest(why, count):
    """Of each slice its oldest, as many of each: nobody is younger than some hundredths more would be."""
    leave, part = LEAVING[why]
    table = table_of(max_rows=len(MANY))
    table.assign(MANY, np.ones((len(MANY), 1)), times=AGES + 1)
    leave(table, count)
    left = AGES[~table.find(MANY)[1]]
    assert table.stats().usage.evicted == count
    assert len(left) > 0.99 * count
    assert left.max() < count + len(MANY) / part


def test_those_who_are_not_restored_are_the_oldest():
    whole, table = table_of(), table_of(max_rows=10)
    whole.assign(MANY[:100], np.ones((100, 1)), times=AGES[:100] + 1)
    table.restore(whole.export())
    assert set(table.export().fids) == set(AGES[:100].argsort()[-10:])
    assert table.stats().usage.evicted == 90


def test_others_come_in_between_slices(monkeypatch):
    monkeypatch.setattr("monolith.table.eviction.SLICE", 100)
    table, fids = table_of(slot_expire_time_config=days(0)), np.arange(1_000)
    table.assign(fids, np.ones((len(fids), 1)))
    held = []
    expire = table._population.expire

    def watched(*some):
        held.append(expire(*some))
        return held[-1]

    monkeypatch.setattr(table._population, "expire", watched)
    assert table.expire() == 1_000
    assert len(held) >= 10
    assert max(held) < 200


def test_rows_made_anew_keep_within_the_budget():
    table = table_of(max_rows=10)
    assert not table.reinitialize(np.arange(100)).any()
    assert len(table) == 10


REFUSED = {
    "negative count": (lambda t: t.apply([1], [[1]], counts=[-1]), ConfigError, "count -1 of fid 1"),
    "no occurrence": (lambda t: t.apply([1], [[1]], counts=[0]), ConfigError, "count 0 of fid 1"),
    "half an occurrence": (
        lambda t: t.apply([1], [[1]], counts=[0.5]),
        ConfigError,
        "counts of a table of float64: must be whole numbers",
    ),
    "before 1970": (lambda t: t.apply([1], [[1]], times=-5), ConfigError, "time -5 of fid 1"),
    "after 2106": (lambda t: t.assign([1], [[1]], times=2**32), ConfigError, "time 4294967296 of fid 1"),
    "counts of others": (lambda t: t.apply([1], [[1]], counts=[1, 2]), DimensionMismatch, "counts"),
    "times of others": (lambda t: t.apply([1], [[1]], times=[1, 2]), DimensionMismatch, "times"),
    "another filter": (
        lambda t: t.restore(t.export(), {"cells": np.zeros(3), "meta": np.zeros(2)}),
        ConfigError,
        "lacks: young, old",
    ),
    "another shape": (
        lambda t: t.restore(t.export(), {"young": np.zeros(3), "old": np.zeros((2, 3))}),
        ConfigError,
        "young of shape",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_call_changes_nothing(name):
    call, error, said = REFUSED[name]
    table = Table(CONFIG)
    table.find_or_insert([5])
    table.apply([FIDS[5]], [[1]])
    before = table.export(), table.filter_state()
    with pytest.raises(error, match=said):
        call(table)
    after = table.export(), table.filter_state()
    assert after[0].fids.tolist() == before[0].fids.tolist()
    for part in ("young", "old"):
        np.testing.assert_array_equal(after[1][part], before[1][part])


def test_a_budget_below_one_row_is_refused():
    with pytest.raises(ConfigError, match="memory_budget_bytes=1000: must be >= "):
        table_of(memory_budget_bytes=1000)
