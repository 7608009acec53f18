"""The order in which rows are read and updated, whoever is fast or slow.

With batches asked for `ahead` of their turn, the rows of step t + ahead are read after the update of step
t - 1 and before that of step t: on every server, for every table. Rounds begin and end with nothing under
way.
"""

import asyncio
from collections import defaultdict

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monolith.core.batch import Batch, Ragged
from monolith.core.schema import Feature, Schema
from monolith.estimator.columns import FeatureColumn
from monolith.estimator.model import MonolithModel
from monolith.estimator.tables import configs
from monolith.estimator.trainer import Trainer, assemble
from monolith.metrics.streaming import Quality
from monolith.ps.blocking import BlockingClient
from monolith.ps.shard import LocalShard
from monolith.table.config import Adagrad, Dc, Sgd, Zeros

SHARDS = 2
COLUMNS = (
    FeatureColumn("user", 2, optimizer=Sgd(0.5)),
    FeatureColumn("item", 2, initializer=Zeros(), optimizer=Dc(Adagrad(0.1), 0.5)),
)
SCHEMA = Schema(
    name="order", features=[Feature(name=c.name, kind="integer", slot=i) for i, c in enumerate(COLUMNS, 1)]
)


class Sum(MonolithModel):
    def columns(self, schema):
        return COLUMNS

    def module(self, columns, schema):
        class Summed(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = torch.nn.Parameter(torch.ones(1))

            def forward(self, embeddings, dense):
                return self.weight * sum(e.sum(dim=1) for e in embeddings.values())

        return Summed()


def batch_of(step: int) -> Batch:
    """Ids that say which step they belong to, and one that all have; for each shard some."""
    fids = np.array([0, 1, 2 * step + 2, 2 * step + 3])
    ids = Ragged(fids, np.arange(len(fids) + 1))
    ones = np.ones(len(fids), np.float32)
    return Batch({c.name: ids for c in COLUMNS}, {}, ones * (step % 2), ones)


class SlowShard(LocalShard):
    """A shard that takes its time before it does something and before it answers, as `delays` say."""

    def __init__(self, shard, delays):
        super().__init__(shard)
        self._delays = delays
        self.log, self.read, self.latest = defaultdict(list), {}, {}

    async def lookup(self, requests):
        await self._dawdle()
        found = await super().lookup(requests)
        for request in requests:
            self.log[request.table].append(("read", _step(request.fids)))
            self.read[request.table, _step(request.fids)] = request.into.array[request.into.at]
        await self._dawdle()
        return found

    async def apply(self, requests, stamp):
        await self._dawdle()
        for request in requests:
            self.log[request.table].append(("updated", _step(request.fids)))
            self.latest[request.table, _step(request.fids)] = request.latest
        applied = await super().apply(requests, stamp)
        await self._dawdle()
        return applied

    async def _dawdle(self):
        for _ in range(next(self._delays)):
            await asyncio.sleep(0)


def _step(fids) -> int:
    return int(fids.max()) // 2 - 1


def law(rounds, ahead):
    """What every server sees of a table, worked out step by step."""
    seen, first = [], 0
    for length in rounds:
        last = first + length
        seen += [("read", t) for t in range(first, min(first + ahead, last))]
        for t in range(first, last):
            seen += [("read", t + ahead)] if t + ahead < last else []
            seen += [("updated", t)]
        first = last
    return seen


def train(rounds, ahead, draw=lambda: 0):
    """The shards that a training in `rounds` of so many steps leaves, each dawdling as `draw` says."""
    shards = [SlowShard(index, iter(draw, None)) for index in range(SHARDS)]
    parts = assemble(Sum(), SCHEMA)
    with BlockingClient.local(shards, worker=1) as client:
        client.create_tables(configs(parts.tables))
        optimizer = torch.optim.SGD(parts.module.parameters(), 0.1)
        one = Trainer(parts, client, optimizer, clip_norm=10.0, sync_steps=2, ahead=ahead)
        one.dense.join(client)
        first = 0
        for length in rounds:
            steps = range(first, first + length)
            for step, asked in zip(steps, one.asked(map(batch_of, steps)), strict=True):
                one.train(asked, step, Quality())
            one.sync()
            assert all(_last(shard) == steps[-1] for shard in shards)  # the round's last update is there
            first += length
    return shards


def _last(shard):
    return {log[-1] for log in shard.log.values()}.pop()[1]


ROUNDS = st.lists(st.integers(1, 6), min_size=1, max_size=3)
AHEAD = st.integers(0, 3)


@settings(deadline=None, max_examples=40)
@given(rounds=ROUNDS, ahead=AHEAD, random=st.randoms(use_true_random=False))
def test_every_server_sees_the_law(rounds, ahead, random):
    for shard in train(rounds, ahead, lambda: random.randrange(6)):
        assert dict(shard.log) == {c.name: law(rounds, ahead) for c in COLUMNS}


@settings(deadline=None, max_examples=20)
@given(rounds=ROUNDS, ahead=AHEAD, random=st.randoms(use_true_random=False))
def test_delays_change_no_number(rounds, ahead, random):
    prompt, slow = train(rounds, ahead), train(rounds, ahead, lambda: random.randrange(6))
    for one, other in zip(prompt, slow, strict=True):
        for (name, table), (_, late) in zip(_tables(one), _tables(other), strict=True):
            np.testing.assert_array_equal(table.export().values, late.export().values, err_msg=name)


def _tables(shard):
    return shard.state._tables.items()


@settings(deadline=None, max_examples=20)
@given(rounds=ROUNDS, ahead=AHEAD)
def test_delay_is_compensated_from_what_was_read(rounds, ahead):
    for shard in train(rounds, ahead):
        for step in range(sum(rounds)):
            np.testing.assert_array_equal(shard.latest["item", step], shard.read["item", step])
            assert shard.latest["user", step] is None


def test_one_ahead_reads_what_is_one_update_old():
    """Ids 0 and 1 learn in every step: what step t reads of them is what step t - 2 left."""
    late, in_turn = train([4], 1)[0], train([4], 0)[0]
    read = [late.read["user", t][0] for t in range(4)]
    np.testing.assert_array_equal(read[0], read[1])
    assert not np.array_equal(read[1], read[2])
    np.testing.assert_array_equal(read[2], in_turn.read["user", 1][0])


def test_a_round_begins_with_rows_as_they_are():
    late, in_turn = train([1] * 4, 1), train([4], 0)
    assert [shard.log for shard in late] == [shard.log for shard in in_turn]
