"""The table against a dict of rows, under any sequence of calls; and what a dict cannot show."""

import threading

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from monolith.core.errors import ConfigError, DimensionMismatch
from monolith.table.config import (
    Adagrad,
    Adam,
    Constants,
    FixedR8,
    Ftrl,
    OneBit,
    RandomUniform,
    Segment,
    Sgd,
    TableConfig,
    Zeros,
)
from monolith.table.rows import TableRows
from monolith.table.table import Table
from tests.unit.table import reference
from tests.upstream import by_name

SEED = 11
CONFIG = TableConfig(
    (
        Segment(1, Constants(0.25), Ftrl()),
        Segment(3, RandomUniform(-1, 1), Adagrad(learning_rate=0.1)),
        Segment(2, Zeros(), Adam()),
    )
)
# Few ids, so that they meet often: the extremes, neighbours, and a crowd that shares one home in one
# sub-table, which has to grow for them.
CROWD = [reference.unmix((200 << 56) + (k << 40) + 3) for k in range(30)]
FIDS = [0, -1, 1, 2**63 - 1, -(2**63), 2**48, *CROWD]

ids = st.lists(st.sampled_from(FIDS), max_size=12)


def unseen(fid: int) -> tuple[np.ndarray, np.ndarray]:
    drawn = [reference.uniform(SEED, fid, column, -1, 1) for column in (1, 2, 3)]
    state = [0.1, 0, 0.1, 0.1, 0.1, 0, 0, 0, 0, 0.9, 0.99]
    return np.array([0.25, *drawn, 0, 0]), np.array(state, float)


def stepped(row, grad, rates):
    """Each segment by its reference formula; state lies segment by segment."""
    (w, s), new_w, new_s = row, [], []
    values, states = ((0, 1), (1, 4), (4, 6)), ((0, 2), (2, 5), (5, 11))
    for segment, rate, (a, b), (c, d) in zip(CONFIG.segments, rates, values, states, strict=True):
        weights, state = reference.step(segment.optimizer, w[a:b], s[c:d], grad[a:b], rate)
        new_w.append(weights)
        new_s.append(state)
    return np.concatenate(new_w), np.concatenate(new_s)


class TableIsADict(RuleBasedStateMachine):
    @initialize()
    def start(self):
        self.table, self.model = Table(CONFIG, seed=SEED), {}

    def _insert(self, fids) -> int:
        new = set(fids) - set(self.model)
        self.model |= {fid: unseen(fid) for fid in new}
        return len(new)

    def _values(self, fids):
        return np.array([self.model[f][0] if f in self.model else np.zeros(6) for f in fids]).reshape(-1, 6)

    def _numbers(self, n, random):
        return np.random.default_rng(random.getrandbits(32)).uniform(-2, 2, (n, 6)).astype(np.float32)

    @rule(fids=ids)
    def find(self, fids):
        rows, found = self.table.find(fids)
        assert found.tolist() == [fid in self.model for fid in fids]
        np.testing.assert_allclose(rows, self._values(fids), rtol=1e-3, atol=1e-3)

    @rule(fids=ids)
    def find_or_insert(self, fids):
        existed = [fid in self.model for fid in fids]
        rows, found = self.table.find_or_insert(fids)
        assert found.tolist() == existed
        self._insert(fids)
        np.testing.assert_allclose(rows, self._values(fids), rtol=1e-3, atol=1e-3)

    @rule(fids=ids, random=st.randoms(use_true_random=False))
    def assign(self, fids, random):
        rows = self._numbers(len(fids), random)
        assert self.table.assign(fids, rows) == self._insert(fids)
        for fid, row in zip(fids, rows, strict=True):
            self.model[fid] = (row, self.model[fid][1])

    @rule(fids=ids, random=st.randoms(use_true_random=False))
    def assign_add(self, fids, random):
        rows = self._numbers(len(fids), random)
        assert self.table.assign_add(fids, rows) == self._insert(fids)
        for fid, row in zip(fids, rows, strict=True):
            values, state = self.model[fid]
            self.model[fid] = (values + row, state)

    @rule(fids=ids)
    def reinitialize(self, fids):
        assert self.table.reinitialize(fids).tolist() == [fid in self.model for fid in fids]
        self.model |= {fid: unseen(fid) for fid in fids}

    @rule(
        fids=ids,
        rates=st.sampled_from([(), (0.5,), (0.5, 0.25, 0.125)]),
        random=st.randoms(use_true_random=False),
    )
    def apply(self, fids, rates, random):
        grads = self._numbers(len(fids), random)
        assert self.table.apply(fids, grads, rates) == self._insert(fids)
        used = rates * 3 if len(rates) == 1 else rates or [s.optimizer.learning_rate for s in CONFIG.segments]
        for fid, grad in zip(fids, grads, strict=True):
            self.model[fid] = stepped(self.model[fid], grad, used)

    @rule(fids=ids)
    def evict(self, fids):
        assert self.table.evict(fids) == sum(self.model.pop(fid, None) is not None for fid in fids)

    @rule(start=st.sampled_from([1_000, 1_020, 2_000]))
    def grow(self, start):
        """Many at once, of whom some may be there."""
        fids = np.arange(start, start + 40)
        assert self.table.look_up(fids, create=True).created == self._insert(fids.tolist())

    @rule(start=st.sampled_from([1_000, 1_010, 2_000]))
    def make_room(self, start):
        fids = range(start, start + 40)
        assert self.table.evict(fids) == sum(self.model.pop(fid, None) is not None for fid in fids)

    @rule()
    def close_gaps(self):
        self.table.close_gaps()

    @rule()
    def clear(self):
        self.table.clear()
        self.model = {}

    @rule(random=st.randoms(use_true_random=False))
    def restore_elsewhere(self, random):
        """Rows taken out and put, in another order, into a table that held others."""
        rows = self.table.export()
        order = np.array(random.sample(range(len(rows)), len(rows)), int)
        self.table = Table(CONFIG, seed=SEED)
        self.table.find_or_insert(FIDS[::2])
        self.table.restore(TableRows(rows.fids[order], rows.values[order], rows.slots[order]))

    @invariant()
    def exports_what_the_dict_holds(self):
        rows = self.table.export()
        assert len(self.table) == self.table.stats().usage.rows == len(rows) == len(self.model)
        assert rows.fids.tolist() == sorted(self.model)
        held = [self.model[fid] for fid in sorted(self.model)]
        for there, width, part in ((rows.values, 6, 0), (rows.slots, 11, 1)):
            expected = np.array([row[part] for row in held]).reshape(-1, width)
            np.testing.assert_allclose(there, expected, rtol=1e-3, atol=1e-3)


TestTableIsADict = TableIsADict.TestCase
TestTableIsADict.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def sgd_table(dim=1, rate=0.5):
    return Table(TableConfig((Segment(dim, Zeros(), Sgd(rate)),)))


def test_rows_given_are_the_callers_own():
    table = sgd_table()
    rows, _ = table.find_or_insert([1])
    exported = table.export()
    rows[:], exported.values[:], exported.fids[:] = 7, 7, 7
    assert table.find([1])[0].tolist() == [[0]]


def test_evicted_memory_is_used_again():
    table = sgd_table()
    table.find_or_insert(np.arange(100))
    held = table.memory_bytes
    for start in range(100, 2100, 100):
        table.evict(np.arange(start - 100, start))
        table.find_or_insert(np.arange(start, start + 100))
    assert table.memory_bytes == held
    table.clear()
    assert table.memory_bytes < held


def test_a_row_used_again_starts_afresh():
    table = Table(CONFIG, seed=SEED)
    table.apply([1], np.ones((1, 6)))
    table.evict([1])
    table.find_or_insert([2])
    fresh = Table(CONFIG, seed=SEED)
    fresh.find_or_insert([2])
    np.testing.assert_array_equal(table.export().values, fresh.export().values)
    np.testing.assert_array_equal(table.export().slots, fresh.export().slots)


FAKED = [
    Segment(2, Constants(3.5), Sgd(1.0), FixedR8(5.0)),
    Segment(1, Constants(2.0), Sgd(1.0), OneBit(amplitude=0.1)),
]


def test_reads_are_as_served():
    """100 is beyond what 5 in 128 steps can hold; 3.51 is 89.856 of them; OneBit reads 0.1 tanh(x)."""
    table = Table(TableConfig(FAKED))
    table.assign([1], [[100, 3.51, 1]])
    expected = [127 * 5 / 128, 90 * 5 / 128, 0.07615942]
    for rows, _ in (table.find([1]), table.find_or_insert([1])):
        np.testing.assert_allclose(rows[0], expected, rtol=1e-6)
    np.testing.assert_allclose(table.export().values[0], [100, 3.51, 1], rtol=1e-6)


def test_gradients_go_through_compressors():
    """OneBit's is 0.1 s (1 - tanh(s x)²), where s is √(1 + 0.005 · 200) at step 399; rounding has none."""
    table = Table(TableConfig(FAKED))
    table.apply([1], [[1, 1, 1]], step=399)
    scale = np.sqrt(2)
    learned = 2 - 0.1 * scale * (1 - np.tanh(scale * 2) ** 2)
    np.testing.assert_allclose(table.export().values[0], [2.5, 2.5, learned], rtol=1e-6)
    np.testing.assert_allclose(table.find([1])[0][0, 2], 0.1 * np.tanh(scale * learned), rtol=1e-6)


ZEROS_OUT = [
    lambda t: t.assign([1, 2, 1], [[1, 1], [0, 2], [0, 0]]),
    lambda t: t.assign_add([1, 2, 1], [[1, 1], [0, 2], [-1, -1]]),
    lambda t: t.restore(TableRows(np.array([1, 2]), np.array([[0, -0.0], [0, 2]]), np.empty((2, 0)))),
]


@pytest.mark.parametrize("write", ZEROS_OUT)
@pytest.mark.parametrize("skip", [False, True])
def test_rows_of_zeros_are_skipped(write, skip):
    table = Table(TableConfig((Segment(2, Zeros(), Sgd()),), skip_zero_embedding=skip))
    write(table)
    rows, found = table.find([1, 2])
    assert (rows.tolist(), found.tolist()) == ([[0, 0], [0, 2]], [not skip, True])


def in_ten_threads(work, items):
    threads = [threading.Thread(target=work, args=(part,)) for part in np.array_split(items, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


@pytest.mark.parametrize("name", ["skip_zero_embedding_assign", "no_skip_zero_embedding_by_default"])
def test_ten_threads_skip_zeros(name):
    skip = by_name("hash_table")[name]["given"]["skip_zero_embedding"]
    config, ids = TableConfig((Segment(1, Zeros(), Sgd()),), skip_zero_embedding=skip), np.arange(3000)
    table = Table(config)
    in_ten_threads(lambda part: table.assign(part, part % 2), ids)
    rows, found = table.find(ids)
    assert (rows[:, 0] == ids % 2).all()
    assert (found == (ids % 2 == 1) | (not skip)).all()


def test_threads_lose_no_update():
    """Small numbers of eighths add up exactly in any order, so one lost update shows."""
    table, fids = sgd_table(dim=8, rate=1), np.arange(3000)

    def work(number):
        for turn in range(40):
            table.apply(np.roll(fids, number * 700 + turn), np.full((len(fids), 8), -0.125))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(table) == len(fids)
    assert (table.find(fids)[0] == 4 * 40 / 8).all()


ROOM = np.empty((2, 12), np.float32)
REFUSED = {
    "assign_short_rows": (lambda t: t.assign([1, 2], np.ones((1, 6))), DimensionMismatch),
    "apply_short_grads": (lambda t: t.apply([1, 2], np.ones((2, 5))), DimensionMismatch),
    "fids_of_floats": (lambda t: t.apply([1.5], np.ones((1, 6))), ConfigError),
    "grads_of_text": (lambda t: t.apply([1], [["1"] * 6]), ConfigError),
    "two_rates_of_three": (lambda t: t.apply([1], np.ones((1, 6)), (0.1, 0.1)), DimensionMismatch),
    "negative_rate": (lambda t: t.apply([1], np.ones((1, 6)), (-0.1,)), ConfigError),
    "rate_is_nan": (lambda t: t.apply([1], np.ones((1, 6)), (float("nan"),)), ConfigError),
    "room_for_too_few": (lambda t: t.look_up([1, 2], create=True, out=ROOM[:1]), DimensionMismatch),
    "room_of_doubles": (lambda t: t.look_up([1], create=True, out=np.empty((1, 6))), DimensionMismatch),
    "room_in_columns": (lambda t: t.look_up([1, 2], create=True, out=ROOM[:, ::2]), DimensionMismatch),
    "restore_other_dim": (
        lambda t: t.restore(TableRows(np.array([1]), np.ones((1, 5)), np.ones((1, 11)))),
        DimensionMismatch,
    ),
    "restore_other_slots": (
        lambda t: t.restore(TableRows(np.array([1]), np.ones((1, 6)), np.ones((1, 3)))),
        DimensionMismatch,
    ),
    "restore_two_of_one": (
        lambda t: t.restore(TableRows(np.array([1, 2, 1]), np.ones((3, 6)), np.ones((3, 11)))),
        ConfigError,
    ),
}


@pytest.mark.parametrize("call", REFUSED)
def test_refused_call_changes_nothing(call):
    table = Table(CONFIG)
    table.find_or_insert([5])
    attempt, error = REFUSED[call]
    with pytest.raises(error):
        attempt(table)
    assert table.export().fids.tolist() == [5]


@pytest.mark.parametrize("part", ["index", "rows"])
def test_out_of_memory_changes_nothing(part, monkeypatch):
    """With room for another batch, the fids of the one that failed start as if never seen."""
    table, batch = Table(CONFIG, seed=SEED), np.arange(10_000)
    table.apply([5], np.ones((1, 6)))
    before = table.export()
    arena = table._store.index._arena if part == "index" else table._store._arena
    with monkeypatch.context() as full:
        full.setattr(arena, "ensure", _no_more)
        with pytest.raises(MemoryError):
            table.find_or_insert(batch)
    after = table.export()
    for name in ("fids", "values", "slots"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    rows, found = table.find_or_insert(batch)
    np.testing.assert_array_equal(rows[found], before.values)
    np.testing.assert_allclose(rows[8], unseen(8)[0], atol=1e-6)


def _no_more(count):
    raise MemoryError


def test_out_of_memory_half_way_lets_nobody_learn_twice(monkeypatch):
    """Room is asked for before anyone learns, for all of them, however few are created at a time."""
    table, batch = Table(CONFIG, seed=SEED), np.arange(10_000)
    arena = table._store._arena

    def up_to_5000(count):
        if count > 5000:
            raise MemoryError

    with monkeypatch.context() as nearly_full:
        nearly_full.setattr(arena, "ensure", up_to_5000)
        with pytest.raises(MemoryError):
            table.apply(batch, np.ones((len(batch), 6)))
    assert len(table) == 0


def test_out_of_memory_while_rows_move_loses_none(monkeypatch):
    """Half way through, with sub-tables that cannot shrink; once there is memory again, all is well."""
    table, fids = Table(CONFIG, seed=SEED), np.arange(20_000)
    table.apply(fids, np.ones((len(fids), 6)), step=3)
    table.evict(fids[::2])
    before = table.export()
    for _ in range(2):
        with monkeypatch.context() as full:
            full.setattr(table._store.index, "shrink", _no_more)
            with pytest.raises(MemoryError):
                table.close_gaps()
        table.close_gaps()
        after = table.export()
        for name in ("fids", "values", "slots"):
            np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    assert table._store.index.end < 13_000


VECTORS = by_name("hash_table")


def test_update_ids_need_not_be_lookup_ids():
    vector = VECTORS["gradient_ids_differ_from_lookup_ids"]
    table = sgd_table(rate=vector["given"]["learning_rate"])
    table.apply(vector["given"]["update_ids"], np.array(vector["given"]["grads"]))
    np.testing.assert_allclose(
        table.find([0, 1])[0], vector["expect"]["lookup_0_1"], atol=vector["tolerance"]
    )


def test_rate_given_with_the_call_is_used():
    vector = VECTORS["gradients_with_callable_learning_rate"]
    table = sgd_table()
    table.apply(vector["given"]["ids"], np.array(vector["given"]["grads"]), [0.1])
    np.testing.assert_allclose(
        table.find([0, 1])[0], vector["expect"]["lookup_0_1"], atol=vector["tolerance"]
    )


def test_unknown_ids_read_as_zeros():
    vector = VECTORS["vocab_table_lookup_and_size"]
    table = sgd_table()
    given = vector["given"]["assign_add"]
    table.assign([int(fid) for fid in given], np.array(list(given.values())))
    assert table.find(vector["given"]["lookup"])[0].tolist() == vector["expect"]["embeddings"]
    assert len(table) == vector["expect"]["size"]


@pytest.mark.parametrize("name", ["save_restore_values", "no_skip_zero_embedding_by_default"])
def test_rows_come_back_zeros_included(name):
    given = VECTORS[name]["given"].get("assign_add", {fid: fid % 2 for fid in range(3000)})
    fids, values = [int(fid) for fid in given], np.array(list(given.values()), np.float32)[:, None]
    table, other = sgd_table(), sgd_table()
    table.assign(fids, values)
    other.restore(table.export())
    rows, found = other.find(fids)
    assert found.all()
    np.testing.assert_array_equal(rows, values)
