"""A shard in this process and a shard behind a socket answer alike."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monolith.core import errors
from monolith.ps.api import Change, Gradients, Lookup, RestoreOrder, SaveOrder, Shard, Stamp
from monolith.ps.destination import Destination
from monolith.ps.limits import Limits
from monolith.ps.shard import LocalShard
from monolith.table.config import Dc, Segment, Sgd, TableConfig, Zeros
from monolith.table.stats import Usage
from tests.integration.ps.conftest import Cluster

COUNTING = TableConfig([Segment(1, Zeros(), Sgd(1.0)), Segment(2, Zeros(), Sgd(0.5))])
FIDS = np.array([3, -(2**63), 2**63 - 1, 0])
TINY = Limits(chunk=50)  # two ids a message


@pytest.fixture(params=["local", "remote", "remote_in_pieces", "remote_in_halves", "remote_by_calls"])
def alike(request: pytest.FixtureRequest, cluster: Cluster) -> Shard:
    shard = LocalShard(0)
    cluster.run(shard.create_tables({"t": COUNTING, "other": COUNTING}))
    if request.param == "local":
        return shard
    address = cluster.serve(shard, frames="calls" not in request.param)
    limits = TINY if "pieces" in request.param else None
    return cluster.remote(address, limits=limits, half="halves" in request.param)


def test_connecting(cluster: Cluster, alike: Shard) -> None:
    cluster.run(alike.connect())
    assert alike.incarnation
    cluster.run(alike.connect())


def ask(create: bool = True, table: str = "t", dim: int = 3, fids: np.ndarray = FIDS) -> Lookup:
    return Lookup(table, fids, dim, create)


def ones(table: str = "t", rates: tuple[float, ...] = ()) -> Gradients:
    return Gradients(table, FIDS, np.ones((len(FIDS), 3), np.float32), rates)


def test_lookups(cluster: Cluster, alike: Shard) -> None:
    async def play() -> None:
        first, none, other = await alike.lookup([ask(), ask(fids=FIDS[:0]), ask(table="other", create=False)])
        assert (first.initialized, other.initialized) == (4, 0)
        assert (first.rows.shape, none.rows.shape) == ((4, 3), (0, 3))
        assert not first.found.any()
        assert not other.found.any()
        again = (await alike.lookup([ask()]))[0]
        assert (again.found.tolist(), again.initialized) == ([True] * 4, 0)

    cluster.run(play())


@pytest.mark.parametrize("at", [None, np.array([6, 0, 2, 4])], ids=["alone", "among_others"])
def test_rows_go_where_they_are_told(cluster: Cluster, alike: Shard, at: np.ndarray | None) -> None:
    numbers, room = (
        np.arange(12, dtype=np.float32).reshape(4, 3),
        np.zeros((4 if at is None else 7, 3), np.float32),
    )

    async def play() -> None:
        await alike.apply([Gradients("t", FIDS, numbers, change=Change.ASSIGN)], Stamp(1, 1))
        there, plain = await alike.lookup([replace(ask(), into=Destination(room, at)), ask()])
        assert (there.found.tolist(), there.rows.shape, plain.rows.shape) == ([True] * 4, (0, 3), (4, 3))

    cluster.run(play())
    np.testing.assert_array_equal(room[slice(None) if at is None else at], numbers)
    assert np.count_nonzero(room) == 11


def test_updates(cluster: Cluster, alike: Shard) -> None:
    async def play() -> None:
        first = await alike.apply([ones(), ones("other", rates=(2.0, 1.0))], Stamp(1, 1))
        again = await alike.apply([ones(), ones("other", rates=(2.0, 1.0))], Stamp(1, 1))
        await alike.apply([ones(rates=(4.0,))], Stamp(1, 2))
        rows = [f.rows for f in await alike.lookup([ask(), ask(table="other")])]
        assert [(a.updated, a.inserted, a.duplicate) for a in first] == [(4, 4, False)] * 2
        assert [(a.updated, a.duplicate) for a in again] == [(4, True)] * 2
        np.testing.assert_array_equal(rows[0], [[-5, -4.5, -4.5]] * 4)
        np.testing.assert_array_equal(rows[1], [[-2, -1, -1]] * 4)

    cluster.run(play())


def test_rows_written(cluster: Cluster, alike: Shard) -> None:
    numbers = np.arange(12, dtype=np.float32).reshape(4, 3)

    async def play() -> None:
        write = Gradients("t", FIDS, numbers, change=Change.ASSIGN)
        assigned = await alike.apply([write], Stamp(1, 1))
        await alike.apply([replace(write, change=Change.ADD), ones()], Stamp(1, 2))
        (found,) = await alike.lookup([ask()])
        np.testing.assert_array_equal(found.rows, 2 * numbers - [1, 0.5, 0.5])
        (anew,) = await alike.lookup([replace(ask(fids=np.array([3, 4, 0])), afresh=True)])
        assert (anew.found.tolist(), anew.initialized) == ([True, False, True], 1)
        (after,) = await alike.lookup([ask(fids=np.array([3, 0, 4]))])
        assert not after.rows.any()
        assert [(a.updated, a.inserted) for a in assigned] == [(4, 4)]

    cluster.run(play())


def test_tables_report(cluster: Cluster, alike: Shard) -> None:
    async def play() -> None:
        await alike.lookup([ask(), ask(fids=np.array([3, 7]), create=False)])
        report = (await alike.stats()).tables[1].report
        assert report is not None
        assert (report.usage, report.row_bytes) == (Usage(rows=4, asked=6, hits=1), 12)
        assert {slot: usage.rows for slot, usage in report.slots.items()} == {0: 3, 32767: 1}

    cluster.run(play())


def test_delays_are_compensated(cluster: Cluster, alike: Shard) -> None:
    """g = 1, so the steps are 1 + λ · (w - latest) = 1 - 0.5 · latest, whichever message a row comes in."""
    latest = np.arange(len(FIDS), dtype=np.float32).reshape(-1, 1)

    async def play() -> None:
        await alike.create_tables({"late": TableConfig([Segment(1, Zeros(), Dc(Sgd(1.0), 0.5))])})
        grads = Gradients("late", FIDS, np.ones((len(FIDS), 1), np.float32), latest=latest)
        await alike.apply([grads], Stamp(1, 1))
        [found] = await alike.lookup([ask(table="late", dim=1)])
        np.testing.assert_array_equal(found.rows, 0.5 * latest - 1)

    cluster.run(play())


def test_dense_values(cluster: Cluster, alike: Shard) -> None:
    values = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(1, np.float32)}

    async def play() -> None:
        assert (await alike.set_dense(values, overwrite=False)).keys() == values.keys()
        pushed = [await alike.push_dense(values, Stamp(1, n)) for n in (1, 1, 2)]
        assert [p["b"].item() for p in pushed] == [2, 2, 3]
        np.testing.assert_array_equal(pushed[-1]["w"], 3 * values["w"])
        kept = await alike.set_dense({"b": np.array(9, np.float32)}, overwrite=False)
        assert kept["b"].shape == ()
        assert kept["b"] == 3

    cluster.run(play())


def test_meeting(cluster: Cluster, alike: Shard) -> None:
    async def play() -> None:
        for _ in range(3):
            meet = (alike.gather("b", worker, 3, b"%d" % worker, 30_000) for worker in range(3))
            assert await asyncio.gather(*meet) == [(b"0", b"1", b"2")] * 3

    cluster.run(play())


def test_giving_up_a_meeting(cluster: Cluster, alike: Shard) -> None:
    async def play() -> None:
        with pytest.raises(errors.BarrierTimedOut) as caught:
            await alike.gather("b", 1, 2, b"", 30)
        assert str(caught.value) == "Barrier timeout"
        assert vars(caught.value).items() >= {
            "barrier": "b", "worker": 1, "arrived": 1, "expected": 2, "missing": (0,), "after_ms": 30,
            "__notes__": ["1 of 2 arrived at b within 30ms, missing worker-0"],
        }.items()  # fmt: skip
        meet = (alike.gather("b", worker, 2, b"", 30_000) for worker in range(2))
        assert await asyncio.gather(*meet) == [(b"", b"")] * 2

    cluster.run(play())


def test_leaving_a_meeting(cluster: Cluster, alike: Shard) -> None:
    """Who is cancelled does not count: the others wait in vain, and may be joined by a second try."""

    async def play() -> None:
        leaver = asyncio.ensure_future(alike.gather("b", 0, 2, b"first", 30_000))
        await asyncio.sleep(0.1)
        leaver.cancel()
        await asyncio.wait([leaver])
        async with asyncio.timeout(30):
            while True:  # the server learns of it a moment later
                try:
                    again = asyncio.ensure_future(alike.gather("b", 0, 2, b"second", 30_000))
                    other = await alike.gather("b", 1, 2, b"", 100)
                    break
                except errors.BarrierTimedOut:
                    with pytest.raises(errors.BarrierMisused):
                        await again
        assert other == await again == (b"second", b"")

    cluster.run(play())


def test_saving_and_restoring(cluster: Cluster, alike: Shard, tmp_path: Path) -> None:
    async def play() -> None:
        await alike.apply([ones()], Stamp(1, 1))
        files = await alike.save(SaveOrder(tmp_path, 0, 1))
        assert {(f.table, f.count, f.kind) for f in files} == {("t", 4, "rows"), ("other", 0, "rows")}
        await alike.apply([ones(), ones("other")], Stamp(1, 2))
        assert await alike.restore(RestoreOrder(tmp_path, files, 0, 1)) == 4
        rows, other = await alike.lookup([ask(create=False), ask(create=False, table="other")])
        np.testing.assert_array_equal(rows.rows, [[-1, -0.5, -0.5]] * 4)
        assert not other.found.any()
        (tmp_path / files[0].name).unlink()
        with pytest.raises(errors.CheckpointIncomplete):
            await alike.restore(RestoreOrder(tmp_path, files, 0, 1))

    cluster.run(play())


def test_stats(cluster: Cluster, alike: Shard) -> None:
    async def play() -> None:
        await alike.apply([ones()], Stamp(1, 1))
        stats = await alike.stats()
        assert (stats.shard, stats.incarnation) == (0, alike.incarnation)
        assert [(t.name, t.rows, t.dim) for t in stats.tables] == [("other", 0, 3), ("t", 4, 3)]
        assert stats.applies >= 1
        assert stats.lookups == 0
        assert stats.uptime_s > 0

    cluster.run(play())


WRONG = {
    "lookup_table": (
        lambda s: s.lookup([ask(table="x")]),
        errors.TableNotFound,
        r"x \(tables here: other, t\)",
    ),
    "lookup_dim": (
        lambda s: s.lookup([ask(dim=4)]),
        errors.DimensionMismatch,
        r"expected 3, got 4 \(table t\)",
    ),
    "apply_table": (
        lambda s: s.apply([ones("x")], Stamp(1, 1)),
        errors.TableNotFound,
        "Table not found: x",
    ),
    "apply_rates": (
        lambda s: s.apply([ones(rates=(1, 2, 3))], Stamp(1, 1)),
        errors.DimensionMismatch,
        "expected 2, got 3",
    ),
    "apply_nan": (
        lambda s: s.apply([ones(), replace(ones(), grads=np.full((4, 3), np.nan, np.float32))], Stamp(1, 1)),
        errors.GradientNotFinite,
        r"the gradient of fid -?\d+ in column 0 of table t is nan",
    ),
    "another_table": (
        lambda s: s.create_tables({"t": TableConfig([Segment(1)] * 400)}),
        errors.TableConflict,
        "Table t exists as",
    ),
    "dense_name": (
        lambda s: s.push_dense({"x": np.zeros(1, np.float32)}, Stamp(1, 1)),
        errors.DenseNotFound,
        "x was never set",
    ),
    "worker": (lambda s: s.gather("b", 9, 2, b"", 10), errors.BarrierMisused, "worker_id 9 out of range"),
    "timeout": (lambda s: s.gather("b", 0, 2, b"", -1), errors.BarrierMisused, "timeout_ms must be in"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_mistakes_are_told_alike(cluster: Cluster, alike: Shard, mistake: str) -> None:
    call, error, said = WRONG[mistake]
    with pytest.raises(error, match=said):
        cluster.run(call(alike))
