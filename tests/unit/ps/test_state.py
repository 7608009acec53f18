"""What one server holds: tables, dense values, counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
import pytest

from monolith.core.errors import (
    ConfigError,
    DenseNotFound,
    DimensionMismatch,
    MonolithError,
    TableConflict,
    TableNotFound,
)
from monolith.ps.api import Gradients, Lookup, RestoreOrder, SaveOrder, Stamp
from monolith.ps.counts import Operation
from monolith.ps.state import ShardState
from monolith.table.config import FilterConfig, Segment, SlotOccurrenceThresholdConfig, TableConfig
from monolith.table.table import Table
from tests.unit.ps.conftest import COUNTING, TICK

FIDS = np.array([5, -7, 2**40])


def ask(create: bool, fids: np.ndarray = FIDS, dim: int = 2) -> Lookup:
    return Lookup("t", fids, dim, create)


def ones(fids: np.ndarray = FIDS, table: str = "t", rates: tuple[float, ...] = ()) -> Gradients:
    return Gradients(table, fids, np.ones((len(fids), 2), np.float32), rates)


def test_lookups_count_what_they_create(state: ShardState) -> None:
    first, again, other = (state.lookup([ask(create)])[0] for create in (True, True, False))
    assert (first.initialized, again.initialized) == (3, 0)
    assert not first.found.any()
    assert again.found.all()
    assert other.found.all()


def test_without_create_nothing_appears(state: ShardState) -> None:
    found = state.lookup([ask(create=False)])[0]
    assert (found.initialized, found.found.any(), found.rows.any()) == (0, False, False)
    assert state.stats().tables[0].rows == 0


def test_a_stamp_is_applied_once(state: ShardState) -> None:
    first, again = (state.apply([ones()], Stamp(1, 1))[0] for _ in range(2))
    assert (first.inserted, first.duplicate, again.duplicate) == (3, False, True)
    assert again.updated == first.updated == 3
    np.testing.assert_array_equal(state.lookup([ask(create=False)])[0].rows, -1)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (lambda: ones(table="other"), TableNotFound),
        (lambda: Gradients("t", FIDS, np.ones((3, 3), np.float32)), DimensionMismatch),
        (lambda: ones(rates=(0.1, 0.1)), DimensionMismatch),
        (lambda: ones(rates=(-0.1,)), ConfigError),
        (lambda: ones(rates=(float("nan"),)), ConfigError),
    ],
    ids=["table", "gradients", "rates", "negative", "nan"],
)
def test_a_bad_update_changes_nothing(
    state: ShardState, request_: Callable[[], Gradients], error: type[MonolithError]
) -> None:
    with pytest.raises(error) as caught:
        state.apply([ones(), request_()], Stamp(1, 1))
    assert getattr(caught.value, "shard", 3) in {3, -1}
    assert state.stats().tables[0].rows == 0
    assert not state.apply([ones()], Stamp(1, 1))[0].duplicate


def test_another_dim_is_refused(state: ShardState) -> None:
    with pytest.raises(DimensionMismatch, match=r"expected 2, got 4 \(table t\)") as caught:
        state.lookup([ask(create=True, dim=4)])
    assert caught.value.shard == 3


def test_definitions_may_not_change(state: ShardState) -> None:
    state.create_tables({"t": COUNTING})
    with pytest.raises(TableConflict, match="t exists as"):
        state.create_tables({"new": COUNTING, "t": TableConfig([Segment(4)])})
    assert [t.name for t in state.stats().tables] == ["t"]


def test_the_first_dense_value_stays(state: ShardState) -> None:
    one, two = np.ones((2, 3), np.float32), np.full((2, 3), 2, np.float32)
    state.set_dense({"w": one}, overwrite=False)
    assert state.set_dense({"w": two}, overwrite=False)["w"].sum() == 6
    assert state.set_dense({"w": two}, overwrite=True)["w"].sum() == 12


def test_dense_deltas_add_up_once(state: ShardState) -> None:
    one = np.ones((2, 3), np.float32)
    state.set_dense({"w": one}, overwrite=False)
    pushed = [state.push_dense({"w": one}, Stamp(1, n))["w"] for n in (1, 1, 2)]
    assert [values.mean() for values in pushed] == [2, 2, 3]
    assert state.push_dense({"w": one}, None)["w"].mean() == 4
    pushed[-1][:] = 99
    assert state.set_dense({"w": one}, overwrite=False)["w"].max() == 4


def test_bad_deltas_change_nothing(state: ShardState) -> None:
    one = np.ones((2, 3), np.float32)
    state.set_dense({"w": one}, overwrite=False)
    with pytest.raises(DenseNotFound, match="b was never set"):
        state.push_dense({"w": one, "b": one}, Stamp(1, 1))
    with pytest.raises(DimensionMismatch, match="shape"):
        state.push_dense({"w": one.T}, Stamp(1, 2))
    assert state.set_dense({"w": one}, overwrite=False)["w"].max() == 1


def test_counts_and_means_are_honest(state: ShardState) -> None:
    heard: list[tuple[Operation, int, float]] = []
    state.watch(lambda *told: heard.append(told))
    state.lookup([ask(create=True), ask(create=True)])
    state.apply([ones()], Stamp(1, 1))
    with pytest.raises(TableNotFound):
        state.apply([ones(table="other")], Stamp(1, 2))
    stats = state.stats()
    assert (stats.lookups, stats.applies) == (1, 1)
    assert stats.lookup_us == stats.apply_us == TICK * 1e6
    assert heard == [(Operation.LOOKUP, 6, TICK), (Operation.APPLY, 3, TICK)]


def test_an_incarnation_is_never_zero() -> None:
    zeros = ShardState(0, seed=0, random=bytes, clock=lambda: 0.0)
    assert zeros.incarnation == 1
    assert zeros.stats().incarnation == 1


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_rows_move_to_other_servers(state: ShardState, tmp_path: Path, shards: int) -> None:
    fids = np.arange(-50, 50)
    saved = []
    for shard in range(2):
        source = ShardState(shard, seed=0, random=bytes, clock=lambda: 0.0)
        source.create_tables({"t": COUNTING})
        mine = fids[fids % 2 == shard]
        source.apply([Gradients("t", mine, np.stack([mine, mine], 1).astype(np.float32), (1.0,))], None)
        saved += source.save(SaveOrder(tmp_path, shard, 2))
    state.apply([ones(np.array([999]))], None)
    for shard in range(shards):
        mine = fids[fids % shards == shard]
        assert state.restore(RestoreOrder(tmp_path, saved, shard, shards)) == len(mine)
        found = state.lookup([ask(create=False, fids=np.append(mine, 999))])[0]
        assert found.found.tolist() == [True] * len(mine) + [False]
        np.testing.assert_array_equal(found.rows[:-1, 0], -mine)


def test_rows_of_unknown_tables_are_refused(state: ShardState, tmp_path: Path) -> None:
    files = state.save(SaveOrder(tmp_path, 0, 1))
    other = ShardState(0, seed=0, random=bytes, clock=lambda: 0.0)
    with pytest.raises(TableNotFound, match="t "):
        other.restore(RestoreOrder(tmp_path, files, 0, 1))


def budgeted(most: int = 2 << 20) -> ShardState:
    return ShardState(0, seed=0, memory_budget_bytes=most, random=bytes, clock=lambda: 0.0)


def _no_room() -> None:
    raise MemoryError


def steady(state: ShardState, tick: bool) -> None:
    """Several times the budget in rows of one table, and a few of another that are updated in each step."""
    state.create_tables({"hot": COUNTING, "other": COUNTING})
    hot = np.arange(200)
    for step in range(1, 101):
        asked = [("other", np.arange(step * 1000, step * 1000 + 1000)), ("hot", hot)]
        state.lookup([Lookup(table, fids, 2) for table, fids in asked])
        grads = [Gradients(t, fids, np.ones((len(fids), 2), np.float32), step=step) for t, fids in asked]
        state.apply(grads, None)
        if tick:
            state.tick()
        stats = state.stats()
        assert sum(table.memory_bytes for table in stats.tables) <= stats.memory_budget_bytes == 2 << 20
    assert state.lookup([Lookup("hot", hot, 2, create=False)])[0].found.all()
    assert stats.evicted_for_memory == sum(t.report.usage.evicted for t in stats.tables if t.report) > 50_000


@pytest.mark.parametrize("tick", [True, False])
def test_a_budget_holds_and_hot_rows_stay(tick: bool) -> None:
    """With somebody who ticks and without, for then who brings rows waits until others have left."""
    steady(budgeted(), tick)


def test_a_budget_is_kept_though_upkeep_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    state, ticked = budgeted(), []
    monkeypatch.setattr(state._upkeep, "tick", _no_room)
    monkeypatch.setattr(state._tables.budget, "tick", lambda: ticked.append(1))
    with pytest.raises(MemoryError):
        state.tick()
    assert ticked


def many(table: str, fids: np.ndarray) -> list[Gradients]:
    return [Gradients(table, fids, np.ones((len(fids), 2), np.float32), step=1)]


def used(state: ShardState) -> int:
    return sum(table.memory_bytes for table in state.stats().tables)


def test_rows_leave_for_filters_that_grow() -> None:
    """Of a table without any row, whose gradients are all dropped."""
    state = budgeted()
    thresholds, filters = SlotOccurrenceThresholdConfig({}, 9), FilterConfig("exact_counter", 8_000)
    rare = attrs.evolve(COUNTING, slot_occurrence_threshold_config=thresholds, filter_config=filters)
    state.create_tables({"rows": COUNTING, "rare": rare})
    state.apply(many("rows", np.arange(50_000)), None)
    for start in range(0, 32_000, 100):
        state.apply(many("rare", np.arange(start, start + 100)), None)
        assert used(state) <= 2 << 20


def test_an_update_counts_though_making_room_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    state = budgeted()
    state.create_tables({"t": COUNTING})
    with monkeypatch.context() as full:
        full.setattr(state._tables, "hold", _no_room)
        with pytest.raises(MemoryError):
            state.apply(many("t", FIDS), Stamp(1, 1))
    assert [one.duplicate for one in state.apply(many("t", FIDS), Stamp(1, 1))] == [True]


def test_what_is_restored_is_what_stays(tmp_path: Path) -> None:
    large, small = budgeted(4 << 20), budgeted(1 << 20)
    for state in (large, small):
        state.create_tables({"t": COUNTING})
    large.apply(many("t", np.arange(40_000)), None)
    rows = small.restore(RestoreOrder(tmp_path, large.save(SaveOrder(tmp_path, 0, 1)), 0, 1))
    assert rows == small.stats().tables[0].rows < 40_000
    assert used(small) <= 1 << 20


def test_tables_answer_while_others_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    state, asked = budgeted(), []
    state.create_tables({"t": COUNTING})
    new = state._tables._new

    def meanwhile(config: TableConfig) -> Table:
        there = threading.Thread(target=lambda: asked.append(state.lookup([ask(create=True)])), daemon=True)
        there.start()
        there.join(10)
        return new(config)

    monkeypatch.setattr(state._tables, "_new", meanwhile)
    state.create_tables({"u": COUNTING})
    assert asked
    assert [name for name, _ in state.tables()] == ["t", "u"]


def test_a_budget_without_room_is_refused_with_the_table() -> None:
    state = budgeted(1 << 16)
    with pytest.raises(ConfigError, match="memory budget of 65536 bytes"):
        state.create_tables({"t": COUNTING})
    assert not list(state.tables())
