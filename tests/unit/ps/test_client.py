"""One view of many servers, whatever their number."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.config.bad_gradients import BadGradients
from monolith.core.errors import (
    BarrierMisused,
    ConfigError,
    DenseNotFound,
    DimensionMismatch,
    ShardUnavailable,
    TableNotFound,
)
from monolith.ps.api import Applied, Found, Gradients, Lookup, Shard, ShardStats, Stamp
from monolith.ps.blocking import BlockingClient
from monolith.ps.client import PsClient
from monolith.ps.connect import connect_all
from monolith.ps.shard import LocalShard
from monolith.table.config import (
    Adagrad,
    Constants,
    Ftrl,
    Segment,
    Sgd,
    SlotExpireTimeConfig,
    SlotOccurrenceThresholdConfig,
    TableConfig,
    Zeros,
)
from monolith.testing import virtual_time
from tests.upstream import by_name, vectors

COUNTING = TableConfig([Segment(1, Zeros(), Sgd(1.0))])


class Lossy(LocalShard):
    """Loses replies: what was asked is asked again until an answer gets through."""

    def __init__(self, shard: int, dice: random.Random) -> None:
        super().__init__(shard)
        self._dice = dice
        self.lost = 0

    async def apply(self, requests: list[Gradients], stamp: Stamp) -> list[Applied]:
        while True:
            reply = await super().apply(requests, stamp)
            if self._dice.random() < 0.5:
                return reply
            self.lost += 1


def client_of(shards: list[Shard], config: TableConfig = COUNTING) -> BlockingClient:
    client = BlockingClient.local(shards, worker=1)
    client.create_tables({"t": config})
    return client


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32).reshape(-1, 1)


@pytest.mark.parametrize("num_ps", [1, 2, 3])
@pytest.mark.parametrize(
    "vector",
    vectors(
        "distributed_ps",
        "apply_gradients_sgd",
        "apply_gradients_duplicates_sum",
        "apply_gradients_to_other_ids",
    ),
)
def test_gradients_reach_their_rows(num_ps: int, vector: dict[str, Any]) -> None:
    given = vector["given"]
    ids = given.get("update_ids") or given["ids"]
    with client_of([LocalShard(i) for i in range(num_ps)]) as client:
        applied = client.apply({"t": (np.array(ids), np.array(given["grads"], np.float32))})
        assert applied == Applied(updated=len(set(ids)), inserted=len(set(ids)))
        rows = client.lookup({"t": np.array(given.get("lookup", ids))}, create=False)["t"]
    assert [rows.tolist()] == list(vector["expect"].values())


@pytest.mark.parametrize("num_ps", [1, 2, 3])
@pytest.mark.parametrize("ids", [[-1, -4, -1], []], ids=["negative", "none"])
def test_rows_count_their_updates(num_ps: int, ids: list[int]) -> None:
    fids = np.array(ids, np.int64)
    with client_of([LocalShard(i) for i in range(num_ps)]) as client:
        client.apply({"t": (fids, np.ones((len(ids), 1), np.float32))})
        rows = client.lookup({"t": fids}, create=False)["t"]
    np.testing.assert_array_equal(rows, column(*(-ids.count(one) for one in ids)))


RARE = attrs.evolve(COUNTING, slot_occurrence_threshold_config=SlotOccurrenceThresholdConfig((), 3))


@pytest.mark.parametrize("num_ps", [1, 2])
def test_occurrences_reach_their_servers(num_ps: int) -> None:
    """Fid 1 occurs thrice, 2 twice, before both do again: 1 then has a row, and 2 after a lookup has none."""
    grads = np.ones((3, 1), np.float32)
    with client_of([LocalShard(i) for i in range(num_ps)], RARE) as client:
        first = client.apply({"t": (np.array([1, 2, 1]), grads)}, counts={"t": np.array([1, 2, 2])})
        client.lookup({"t": np.array([1, 2])})
        second = client.apply({"t": (np.array([1, 2]), grads[:2])})
        rows = client.lookup({"t": np.array([1, 2])})["t"]
        third = client.apply({"t": (np.array([2]), grads[:1])})
    assert (first, second, third) == (Applied(0, 0), Applied(1, 1), Applied(1, 1))
    assert rows.tolist() == [[-1], [0]]


@pytest.mark.parametrize("num_ps", [1, 2])
def test_the_latest_time_of_a_fid_counts(num_ps: int, tmp_path: Path) -> None:
    config = attrs.evolve(COUNTING, slot_expire_time_config=SlotExpireTimeConfig((), 1))
    fids, times = np.array([1, 2, 1]), np.array([100, 90_000, 90_001], np.uint32)
    with client_of([LocalShard(i) for i in range(num_ps)], config) as client:
        client.apply({"t": (fids, np.ones((3, 1), np.float32))}, times={"t": times})
        client.assign({"t": (np.array([3, 4]), column(1, 1))}, times=100)
        files = client.save(tmp_path)
        assert client.restore(tmp_path, files) == 2
        assert client.lookup({"t": np.array([1, 2, 3, 4])}, create=False)["t"].tolist() == [
            [-2],
            [-1],
            [0],
            [0],
        ]


BAD_OCCURRENCES = {
    "count 0 of fid 7": {"counts": {"t": np.array([0])}},
    "time -1 of fid 7": {"times": -1},
    "counts of table t": {"counts": {"t": np.array([1, 1])}},
    "times of table t": {"times": {"t": np.array([1, 1])}},
}


@pytest.mark.parametrize("config", [RARE, COUNTING])
@pytest.mark.parametrize("said", BAD_OCCURRENCES)
def test_impossible_occurrences_are_refused(said: str, config: TableConfig) -> None:
    """Also where nobody counts."""
    with (
        client_of([LocalShard(0)], config) as client,
        pytest.raises((ConfigError, DimensionMismatch), match=said),
    ):
        client.apply({"t": (np.array([7]), column(1))}, **BAD_OCCURRENCES[said])


UPDATES = {"t": (np.array([7]), column(1))}
STRAYS: dict[str, Callable[[BlockingClient], object]] = {
    "learning_rates": lambda client: client.apply(UPDATES, learning_rates={"u": [0.1]}),
    "latest": lambda client: client.apply(UPDATES, latest={"t": column(1), "u": column(1)}),
    "counts": lambda client: client.apply(UPDATES, counts={"u": np.array([1])}),
    "times": lambda client: client.apply(UPDATES, times={"u": np.array([1])}),
    "times of table u": lambda client: client.assign(UPDATES, times={"u": np.array([1])}),
}


@pytest.mark.parametrize("said", STRAYS)
def test_what_is_told_of_another_table_is_refused(said: str) -> None:
    with client_of([LocalShard(0)]) as client:
        client.create_tables({"u": COUNTING})
        with pytest.raises(ConfigError, match=rf"^{said}.*not among the updates \(tables there: t\)"):
            STRAYS[said](client)
        assert client.stats().rows == 0


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"learning_rates": 0.1}, "learning_rates 0.1: must be a mapping from tables"),
        ({"learning_rates": [0.1]}, r"learning_rates \[0.1\]: must be a mapping"),
        ({"learning_rates": {"t": 0.1}}, "learning rates 0.1 of table t: must be a sequence of numbers"),
        ({"learning_rates": {"t": [-0.1]}}, "learning rate -0.1 of table t: must be a number >= 0"),
        ({"latest": column(1)}, r"latest array\(\[\[1.*: must be a mapping"),
        ({"counts": 2}, "counts 2: must be a mapping"),
        ({"step": 1.5}, "step 1.5 of an update: must be a whole number >= 0 that int64 can hold"),
        ({"step": 2**63}, "step 9223372036854775808 of an update: must be"),
    ],
)
def test_what_is_not_told_by_table_is_refused(told: dict[str, Any], said: str) -> None:
    with client_of([LocalShard(0)]) as client:
        with pytest.raises(ConfigError, match=f"^{said}"):
            client.apply(UPDATES, **told)
        assert client.stats().rows == 0


MISTOLD: dict[str, Callable[[BlockingClient], object]] = {
    r"ids \[1\]: must be a mapping": lambda c: c.lookup([1]),  # type: ignore[arg-type]
    "ids None: must be a mapping": lambda c: c.reinitialize(None),  # type: ignore[arg-type]
    r"updates \(1, 2\): must be a mapping": lambda c: c.apply((1, 2)),  # type: ignore[arg-type]
    r"update \[1, 2\] of table t: must be \(fids, rows\)": lambda c: c.apply({"t": [1, 2]}),
    r"update \(1, 2, 3\) of table t: must be": lambda c: c.assign_add({"t": (1, 2, 3)}),
    "fids of float64: must be whole": lambda c: c.reinitialize({"shop": [1.5]}),
}


@pytest.mark.parametrize("said", MISTOLD)
def test_ids_and_updates_are_told_by_table(said: str) -> None:
    with client_of([LocalShard(0)]) as client:
        with pytest.raises(ConfigError, match=f"^{said}"):
            MISTOLD[said](client)
        assert client.stats().rows == 0


@pytest.mark.parametrize("name", ["", 3, None])
def test_names_of_tables_are_texts(name: Any) -> None:
    with BlockingClient.local([LocalShard(0)]) as client:
        with pytest.raises(ConfigError, match=f"^name of a table {name!r}: must be a text, and not empty"):
            client.create_tables({name: COUNTING})
        assert not client.stats().shards[0].tables


def test_rows_are_found_on_their_servers() -> None:
    vector = by_name("distributed_ps")["assign_add_lookup_two_ps"]
    added = {int(fid): value for fid, value in vector["given"]["assign_add"].items()}
    shards = [LocalShard(i) for i in range(vector["given"]["num_ps"])]
    with client_of(shards, TableConfig([Segment(2, Zeros(), Sgd(1.0))])) as client:
        client.assign_add({"t": (np.array(list(added)), np.array(list(added.values()), np.float32))})
        found = client.lookup({"t": np.array(vector["given"]["lookup"])})["t"].tolist()
        assert found == vector["expect"]["values"]
        assert [shard.tables[0].rows for shard in client.stats().shards] == [1, 2]


def test_rows_begin_anew() -> None:
    vector = by_name("distributed_ps")["reinitialize_across_ps"]
    wanted = {"t": np.array([1, 2, 3]), "no such table": np.array([1, 2, 3])}
    with client_of([LocalShard(i) for i in range(vector["given"]["num_ps"])]) as client:
        client.assign({"t": (np.array(vector["given"]["table_1_has"]), column(5, 6))})
        status = client.reinitialize(wanted)
        rows = client.lookup({"t": wanted["t"]}, create=False)["t"]
    assert rows.tolist() == vector["expect"]["values_1"]
    assert status["t"].tolist() == vector["expect"]["status_1"]
    assert status["no such table"].tolist() == vector["expect"]["status_3"]


@pytest.mark.parametrize("num_ps", [1, 2, 3])
def test_of_equal_ids_the_last_is_assigned(num_ps: int) -> None:
    """And all are added."""
    fids = np.array([4, 5, 4, -6, 4])
    with client_of([LocalShard(i) for i in range(num_ps)]) as client:
        assigned = client.assign({"t": (fids, column(1, 2, 3, 4, 5))})
        assert client.lookup({"t": fids})["t"].tolist() == column(5, 2, 5, 4, 5).tolist()
        added = client.assign_add({"t": (fids, column(1, 2, 3, 4, 5))})
        assert client.lookup({"t": fids})["t"].tolist() == column(14, 4, 14, 8, 14).tolist()
    assert (assigned, added) == (Applied(updated=3, inserted=3), Applied(updated=3, inserted=0))


MULTI = {"slot0": TableConfig([Segment(1, Zeros(), Sgd(1.0))])} | {
    name: TableConfig([Segment(2, Zeros(), Sgd(1.0))]) for name in ("slot1", "slot2")
}


def multi(held: dict[str, Any], values: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        name: (np.array(one["ids"]), np.reshape(np.float32(one[values]), (len(one["ids"]), -1)))
        for name, one in held.items()
        if name.startswith("slot")
    }


@pytest.fixture
def tables() -> Iterator[BlockingClient]:
    with BlockingClient.local([LocalShard(i) for i in range(2)], worker=1) as client:
        client.create_tables(MULTI)
        yield client


@pytest.mark.parametrize(
    "vector", vectors("multi_hash_table", "apply_gradients_sgd_lr1", "polynomial_lr_at_step_0")
)
def test_tables_learn_in_one_call(tables: BlockingClient, vector: dict[str, Any]) -> None:
    updates = multi(vector["given"], "grads")
    rate = vector["given"].get("lr", {}).get("polynomial", {}).get("initial", 1.0)
    tables.apply(updates, learning_rates=dict.fromkeys(updates, (rate,)))
    rows = tables.lookup({name: fids for name, (fids, _) in updates.items()}, create=False)
    for name, values in vector["expect"].items():
        np.testing.assert_allclose(rows[name], values, rtol=0, atol=vector["tolerance"])


def test_gradients_need_no_lookup(tables: BlockingClient) -> None:
    vector = by_name("multi_hash_table")["apply_without_lookup_sums_duplicates"]
    tables.apply(multi(vector["given"], "grads"))
    rows = tables.lookup({"slot0": np.array([1]), "slot1": np.array([1, 2])}, create=False)
    for name, expected in zip(rows, vector["expect"].values(), strict=True):
        np.testing.assert_allclose(rows[name], expected, rtol=0, atol=vector["tolerance"])


def test_several_tables_are_added_to(tables: BlockingClient) -> None:
    vector = by_name("multi_hash_table")["lookup_assign_add"]
    added = {
        name: (np.array([int(fid) for fid in rows]), np.array(list(rows.values()), np.float32))
        for name, rows in vector["given"]["assign_add"].items()
    }
    tables.assign_add(added)
    rows = tables.lookup({name: fids for name, (fids, _) in added.items()})
    assert {name: held.tolist() for name, held in rows.items()} == vector["expect"]


def test_a_server_may_skip_bad_gradients() -> None:
    """Two servers, each with an id of its own."""
    shards = [LocalShard(i, bad_gradients=BadGradients.SKIP) for i in range(2)]
    with client_of(shards) as client:
        applied = client.apply({"t": (np.array([2, 3]), column(1, np.nan))})
        rows = client.lookup({"t": np.array([2, 3])}, create=False)["t"]
    assert (applied.updated, rows.tolist()) == (1, [[-1.0], [0.0]])


def test_each_segment_learns_its_own_way() -> None:
    """The bias of a factorisation machine by FTRL, the rest by Adagrad."""
    vector = by_name("distributed_ps")["layout_gradients_ftrl_bias_adagrad_rest"]
    given = vector["given"]
    start = Constants(given["initial_embedding"])
    config = TableConfig([Segment(1, start, Ftrl(1.0, 0.1, beta=0.0)), Segment(2, start, Adagrad(1.0, 0.1))])
    with client_of([LocalShard(0), LocalShard(1)], config) as client:
        fids = np.array([3])
        client.apply(
            {"t": (fids, np.full((1, 3), given["grad"], np.float32))}, learning_rates={"t": [given["lr"]]}
        )
        row = client.lookup({"t": fids})["t"]
    expected = vector["expect"]
    np.testing.assert_allclose(
        row, [[expected["first_dim"], *[expected["other_dims"]] * 2]], rtol=vector["tolerance"]
    )


@given(st.integers(0, 2**32), st.integers(1, 3))
def test_lost_replies_change_nothing(seed: int, num_ps: int) -> None:
    dice = random.Random(seed)
    shards = [Lossy(i, dice) for i in range(num_ps)]
    with client_of(shards) as client:
        fids = np.arange(6)
        for _ in range(8):
            client.apply({"t": (fids, np.ones((6, 1), np.float32))})
        rows = client.lookup({"t": fids})["t"]
    np.testing.assert_array_equal(rows, np.full((6, 1), -8))


def test_a_shard_without_work_is_not_asked() -> None:
    shards = [LocalShard(0), LocalShard(1)]
    with client_of(shards) as client:
        client.lookup({"t": np.array([2, 4])})
        assert [s.lookups for s in client.stats().shards] == [1, 0]
        assert client.stats().rows == 2


def test_dense_values_are_spread_by_name() -> None:
    shards = [LocalShard(0), LocalShard(1)]
    values = {name: np.full((2,), place, np.float32) for place, name in enumerate("cab")}
    with client_of(shards) as client:
        client.set_dense(values, overwrite=False)
        pushed = client.push_dense({"c": np.ones(2, np.float32), "b": np.ones(2, np.float32)})
    assert {name: value[0] for name, value in pushed.items()} == {"c": 1, "b": 3}
    assert [sorted(s.state._dense._values) for s in shards] == [["a", "c"], ["b"]]


def test_two_clients_share_dense_values() -> None:
    shards = [LocalShard(0), LocalShard(1)]
    one = {"w": np.ones(2, np.float32)}
    with BlockingClient.local(shards) as first, BlockingClient.local(shards) as second:
        first.set_dense(one, overwrite=False)
        second.set_dense({"w": np.zeros(2, np.float32)}, overwrite=False)
        first.push_dense(one)
        assert second.push_dense(one)["w"].tolist() == [3, 3]


@pytest.mark.parametrize(("before", "after"), [(2, 3), (3, 1), (2, 2)])
def test_rows_survive_other_counts(tmp_path: Path, before: int, after: int) -> None:
    fids = np.arange(-20, 20)
    with client_of([LocalShard(i) for i in range(before)]) as client:
        client.apply({"t": (fids, fids.astype(np.float32).reshape(-1, 1))})
        files = client.save(tmp_path)
    with client_of([LocalShard(i) for i in range(after)]) as client:
        assert client.restore(tmp_path, files) == len(fids)
        np.testing.assert_array_equal(client.lookup({"t": fids}, create=False)["t"][:, 0], -fids)


def test_some_tables_are_restored_without_the_others(tmp_path: Path) -> None:
    """Files of a table that is no more are refused, and left out by whoever wants the rest."""
    one, two = UPDATES["t"], (np.array([7]), column(2))
    with BlockingClient.local([LocalShard(0)], worker=1) as client:
        client.create_tables({"t": COUNTING, "gone": COUNTING})
        client.apply({"t": one, "gone": two})
        files = client.save(tmp_path)
    with BlockingClient.local([LocalShard(0)], worker=1) as client:
        client.create_tables({"t": COUNTING, "new": COUNTING})
        client.apply({"t": two, "new": two})
        with pytest.raises(TableNotFound, match=r"gone .*: new, t\): create it .*, or leave its files out"):
            client.restore(tmp_path, files)
        assert client.restore(tmp_path, [entry for entry in files if entry.table == "t"]) == 1
        rows = client.lookup({"t": one[0], "new": one[0]}, create=False)
    assert (rows["t"].item(), rows["new"].item()) == (-1, 0)


def test_workers_exchange_notes() -> None:
    shards = [LocalShard(0)]
    with BlockingClient.local(shards) as first, BlockingClient.local(shards) as second:
        early = first._submit(first._client.gather("round-1", 0, 2, b"a", 30_000))
        assert second.gather("round-1", 1, 2, b"b", 30_000) == early.result(30) == (b"a", b"b")


def test_closing_ends_what_still_waits() -> None:
    client = BlockingClient.local([LocalShard(0)])
    waiting = client._submit(client._client.gather("b", 0, 2, b"", 30_000))
    client.close()
    client.close()
    assert waiting.cancelled()


class Distant(LocalShard):
    """Takes a while to greet, and then says `said` if that is not nothing."""

    def __init__(self, seconds: float, said: str = "") -> None:
        super().__init__(0)
        self._seconds = seconds
        self._said = said

    async def connect(self) -> None:
        await asyncio.sleep(self._seconds)
        if self._said:
            raise ShardUnavailable(self._said)

    async def lookup(self, requests: Sequence[Lookup]) -> list[Found]:
        await self.connect()
        return await super().lookup(requests)

    async def apply(self, requests: Sequence[Gradients], stamp: Stamp) -> list[Applied]:
        await self.connect()
        return await super().apply(requests, stamp)

    async def stats(self) -> ShardStats:
        await self.connect()
        return await super().stats()


FIDS = np.arange(6)
CALLS: dict[str, Callable[[PsClient], Awaitable[object]]] = {
    "lookup": lambda client: client.lookup({"t": FIDS}),
    "apply": lambda client: client.apply({"t": (FIDS, np.ones((6, 2), np.float32))}),
    "stats": lambda client: client.stats(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_servers_are_asked_together(call: Callable[[PsClient], Awaitable[object]]) -> None:
    async def main() -> None:
        client = PsClient([Distant(2), LocalShard(1), Distant(3)])
        await client.create_tables({"t": TableConfig([Segment(2, Zeros(), Sgd())])})
        await call(client)

    assert virtual_time.run(main()) == (None, 3)


@pytest.mark.parametrize(
    "shards",
    [
        [Distant(2, "late"), Distant(1, "first")],
        [Distant(1, "first"), Distant(1, "second")],
        [Distant(10**6), Distant(1, "first")],
    ],
    ids=["sooner", "by_order", "others_hang"],
)
def test_the_first_absence_is_told(shards: list[Shard]) -> None:
    with pytest.raises(ShardUnavailable, match="first"):
        virtual_time.run(connect_all(shards, ["h:1", "h:2"], 10**10))


def test_mistakes_are_told_before_asking() -> None:
    shard = LocalShard(0)
    with pytest.raises(ConfigError, match="one shard is given twice"):
        PsClient([shard, shard])
    with pytest.raises(ConfigError, match="at least one PS address is required"):
        BlockingClient.local([])
    with client_of([LocalShard(0)]) as client:
        with pytest.raises(TableNotFound, match=r"other \(tables here: t\)"):
            client.lookup({"other": np.array([1])})
        with pytest.raises(DimensionMismatch, match="expected 2, got 3"):
            client.apply({"t": (np.array([1, 2]), np.ones(3, np.float32))})
        with pytest.raises(DenseNotFound):
            client.push_dense({"w": np.ones(2, np.float32)})
        with pytest.raises(BarrierMisused, match="out of range"):
            client.gather("b", 2, 2, b"", 1)
