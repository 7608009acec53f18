"""A budget of several tables: who leaves, how many bytes are left, and what is said of it."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import ConfigError
from monolith.table.budget import CALM_S, LITTLE, Budget
from monolith.table.config import (
    FilterConfig,
    Segment,
    Sgd,
    SlotOccurrenceThresholdConfig,
    TableConfig,
    Zeros,
)
from monolith.table.eviction import Sample, shares
from monolith.table.table import Table

MOST = 1 << 20
BATCH, HOT = 100, np.arange(200)
DIMS = {"narrow": 4, "wide": 64, "hot": 8}


def tables_of(**dims: int) -> dict[str, Table]:
    return {n: Table(TableConfig((Segment(dim, Zeros(), Sgd(1.0)),)), dated=True) for n, dim in dims.items()}


def budget_of(tables: dict[str, Table], most: int = MOST, clock: Callable[[], float] = lambda: 0.0) -> Budget:
    return Budget(tables.items, most, clock)


def used(tables: dict[str, Table]) -> int:
    return sum(table.memory_bytes for table in tables.values())


def insert(table: Table, step: int) -> None:
    fids = np.arange(step * BATCH, (step + 1) * BATCH)
    table.apply(fids, np.ones((BATCH, table.dim), np.float32), step=step)


def filled(tick_every: int) -> tuple[dict[str, Table], Budget, list[int]]:
    """Three times the budget, a batch a table and step; the rows of one table are updated in every step."""
    tables, held = tables_of(**DIMS), []
    budget = budget_of(tables)
    for step in range(1, 150):
        for name in ("narrow", "wide"):
            insert(tables[name], step)
            budget.hold()
        tables["hot"].apply(HOT, np.ones((len(HOT), 8), np.float32), step=step)
        if step % tick_every == 0:
            budget.tick()
        held.append(used(tables))
    return tables, budget, held


@pytest.mark.parametrize("tick_every", [1, 1000])
def test_steady_inserts_stay_within_it(tick_every: int) -> None:
    """The oldest of both tables leave alike, whatever their rows weigh, and none that is updated."""
    tables, budget, held = filled(tick_every)
    assert max(held) <= MOST
    assert held[-1] > MOST / 2
    assert tables["hot"].find(HOT)[1].all()
    oldest = [int(tables[name].export().known_times.min()) for name in ("narrow", "wide")]
    assert min(oldest) > 75
    assert abs(oldest[0] - oldest[1]) <= 10
    assert budget.evicted == 2 * 149 * BATCH + len(HOT) - sum(map(len, tables.values()))


def test_rows_that_stay_are_as_they_were() -> None:
    """Each row of these is as old as its batch; moving it to another place must not change that."""
    tables, _, _ = filled(tick_every=3)
    for name in ("narrow", "wide"):
        rows = tables[name].export()
        assert np.array_equal(rows.known_times, rows.fids // BATCH)
        assert (rows.values == -1).all()


def test_the_same_calls_evict_the_same() -> None:
    (one, _, held), (other, _, again) = filled(tick_every=5), filled(tick_every=5)
    assert held == again
    assert all(one[name].export().fids.tolist() == other[name].export().fids.tolist() for name in one)


def test_what_left_is_given_back() -> None:
    tables = tables_of(a=64)
    for step in range(1, 40):
        insert(tables["a"], step)
    before = used(tables)
    assert budget_of(tables, before // 2).tick() > 0
    assert used(tables) <= before // 2 * (1 - LITTLE)


def filled_at_once(table: Table, rows: int, step: int) -> None:
    table.apply(np.arange(rows), np.ones((rows, table.dim), np.float32), step=step)


@pytest.mark.parametrize("times", [1.2, 2, 4, 8])
def test_rows_above_it_leave_and_no_more(times: float) -> None:
    """What was restored takes so many times the budget; most of what fits stays."""
    tables, rows = tables_of(a=32), 20_000
    filled_at_once(tables["a"], rows, step=1)
    budget = budget_of(tables, int(used(tables) / times))
    assert budget.hold() == budget.evicted == rows - len(tables["a"])
    assert used(tables) <= budget.most
    assert len(tables["a"]) > 0.6 * rows / times
    assert not budget.tick()


def test_gaps_are_given_back_before_rows_leave(caplog: pytest.LogCaptureFixture) -> None:
    """Those of another table too, from which rows left that had expired, say."""
    tables = tables_of(a=16, b=16)
    for table, rows in zip(tables.values(), (10_000, 5_000), strict=True):
        filled_at_once(table, rows, step=1)
    tables["a"].evict(np.arange(9_000))
    budget = budget_of(tables, used(tables))
    assert (budget.tick(), budget.evicted, caplog.text) == (0, 0, "")
    assert [len(table) for table in tables.values()] == [1_000, 5_000]
    assert used(tables) < budget.most * 0.6


def test_an_episode_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    tables, now = tables_of(a=64), [0.0]
    budget = budget_of(tables, clock=lambda: now[0])
    told = []
    with caplog.at_level(logging.WARNING):
        for step, waited in enumerate([0] * 30 + [1] * 60 + [CALM_S] + [1] * 30, start=1):
            now[0] += waited
            insert(tables["a"], step)
            budget.tick()
            told.append(len(caplog.records))
    assert (max(told[:90]), told[-1]) == (1, 2)
    assert "the least recently updated rows leave" in caplog.text


def test_tables_that_leave_no_room_are_refused() -> None:
    config = TableConfig(
        (Segment(1),),
        slot_occurrence_threshold_config=SlotOccurrenceThresholdConfig({}, 1),
        filter_config=FilterConfig(filter_capacity=2_000_000),
    )
    with pytest.raises(ConfigError, match=f"memory budget of {MOST} bytes: the tables take"):
        budget_of({}).admit([Table(config)])


def test_threads_that_bring_rows_keep_it() -> None:
    tables, turn = tables_of(a=16, b=64), iter(range(1, 241))
    budget, highest, lock = budget_of(tables), [0], threading.Lock()

    def bring(table: Table) -> None:
        for _ in range(60):
            with lock:
                step = next(turn)
            insert(table, step)
            budget.hold()
            highest[0] = max(highest[0], used(tables))

    with ThreadPoolExecutor(4) as pool:
        done = wait([pool.submit(bring, tables[name]) for name in "abab"], timeout=60)
        assert not done.not_done
        for future in done.done:
            future.result()
    assert highest[0] <= MOST + 4 * BATCH * 64 * 8
    assert used(tables) <= MOST


samples = st.lists(
    st.builds(
        lambda times, each, size: Sample(each * len(times), size, np.array(times, np.uint32)),
        st.lists(st.integers(0, 20), min_size=1, max_size=30),
        st.integers(1, 5),
        st.integers(4, 400),
    ),
    min_size=1,
    max_size=4,
)


def _cut(one: Sample, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The times of those that leave, and of those that stay, if `count` rows leave."""
    leaving = -(-count * len(one.times) // one.rows)
    times = np.sort(one.times)
    return times[:leaving], times[leaving:]


@given(samples, st.integers(1, 50_000))
def test_shares_are_of_the_oldest(some: list[Sample], excess: int) -> None:
    counts = shares(some, excess)
    weights = [one.row_bytes for one in some]
    assert all(0 <= count <= one.rows for count, one in zip(counts, some, strict=True))
    freed = sum(c * w for c, w in zip(counts, weights, strict=True))
    assert freed >= min(excess, sum(one.rows * one.row_bytes for one in some)) * (1 - 1e-9)
    assert freed < excess + sum(weights) or freed <= sum(weights)
    cut = [_cut(one, count) for one, count in zip(some, counts, strict=True)]
    left, stay = (np.concatenate(part) for part in zip(*cut, strict=True))
    assert not len(left) or not len(stay) or left.max() <= stay.min()
