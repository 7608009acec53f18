"""One view of many servers, whatever their number."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import BarrierMisused, ConfigError, DenseNotFound, DimensionMismatch, TableNotFound
from monolith.ps.api import Applied, Gradients, Shard, Stamp
from monolith.ps.blocking import BlockingClient
from monolith.ps.shard import LocalShard
from monolith.table.config import Adagrad, Ftrl, Segment, Sgd, TableConfig, Zeros

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
    ("ids", "grads", "asked", "expected"),
    [
        ([0, 1], [2, 2], [0, 1], [-2, -2]),
        ([0, 3, 0, 1], [2, 2, 2, 2], [0, 3, 0, 1], [-4, -2, -4, -2]),
        ([1, 1], [-2, -2], [1, 0], [4, 0]),
        ([-1, -4, -1], [1, 1, 1], [-4, -1], [-1, -2]),
        ([], [], [], []),
    ],
    ids=["distinct", "repeated", "other_ids", "negative", "nothing"],
)
def test_gradients_reach_their_rows(
    num_ps: int, ids: list[int], grads: list[float], asked: list[int], expected: list[float]
) -> None:
    with client_of([LocalShard(i) for i in range(num_ps)]) as client:
        applied = client.apply({"t": (np.array(ids, np.int64), column(*grads))})
        assert applied == Applied(updated=len(set(ids)), inserted=len(set(ids)))
        rows = client.lookup({"t": np.array(asked, np.int64)}, create=False)["t"]
    np.testing.assert_array_equal(rows, column(*expected))


def test_each_segment_learns_its_own_way() -> None:
    # The bias of a factorisation machine by FTRL, the rest by Adagrad; figures from their formulas.
    start = TableConfig(
        [Segment(1, Zeros(), Ftrl(1.0, 0.1, beta=0.0)), Segment(1, Zeros(), Adagrad(1.0, 0.1))]
    )
    with client_of([LocalShard(0), LocalShard(1)], start) as client:
        fids = np.array([3])
        client.apply({"t": (fids, np.array([[2.0, 2.0]], np.float32))}, learning_rates={"t": (1.0, 1.0)})
        row = client.lookup({"t": fids})["t"]
    root = np.sqrt(0.1 + 4)
    np.testing.assert_allclose(row, [[-2 / root, -2 / root]], rtol=1e-6)


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


def test_mistakes_are_told_before_asking() -> None:
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
