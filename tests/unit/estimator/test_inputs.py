"""The way of ids to tensors and of gradients back, against the obvious way."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from monolith.core.batch import Batch, Ragged
from monolith.core.errors import SchemaError
from monolith.estimator.columns import FeatureColumn
from monolith.estimator.inputs import SparseInputs
from monolith.estimator.learning_rates import PolynomialDecay
from monolith.estimator.tables import configs, plan_tables
from monolith.ps.blocking import BlockingClient
from monolith.ps.shard import LocalShard
from monolith.table.config import Dc, RandomUniform, Sgd, Zeros

IDS = {"a": [[1], [2], [1]], "b": [[7, 8, 7], [], [9]], "c": [[1, 2], [3], []]}
ALIKE = {"initializer": RandomUniform(), "optimizer": Sgd(1.0)}


def batch(ids=IDS) -> Batch:
    sparse = {
        name: Ragged(
            np.array([i for row in rows for i in row], np.int64),
            np.cumsum([0, *map(len, rows)]).astype(np.int64),
        )
        for name, rows in ids.items()
    }
    return Batch(sparse, {}, np.zeros(3, np.float32), np.ones(3, np.float32))


@pytest.fixture
def client():
    with BlockingClient.local([LocalShard(0), LocalShard(1)]) as one:
        yield one


def inputs_for(client, *columns) -> SparseInputs:
    tables = plan_tables(columns)
    client.create_tables(configs(tables))
    return SparseInputs(tables, client)


def row(client, table, fid):
    return client.lookup({table: np.array([fid], np.int64)}, create=False)[table][0]


RARE = FeatureColumn("b", 2, occurrence_threshold=2, expire_days=1, **ALIKE)


def test_ids_count_as_often_as_they_occur(client):
    """Fid 7 occurs twice and so has a row the second time; a row's time is that of its last example."""
    inputs = inputs_for(client, RARE)
    for _ in range(2):
        timed = replace(batch(), times=np.array([50, 60, 90_000], np.uint32))
        ids = inputs.prepare(timed)
        embedded = inputs.lookup(ids, create=True)
        embedded.by_column["b"].sum().backward()
        inputs.submit_apply(ids, embedded, step=0).result()
    [asked] = inputs.prepare(timed).values()
    told = np.stack([asked.unique, asked.counts, asked.times]).T.tolist()
    assert told == [[7, 2, 50], [8, 1, 50], [9, 1, 90_000]]
    found = client.lookup({"b": np.array([7, 8, 9])}, create=False)["b"].any(axis=1)
    assert found.tolist() == [True, False, False]


def test_what_nobody_asks_is_not_counted(client):
    [asked] = inputs_for(client, *COLUMNS).prepare(batch()).values()
    assert (asked.counts, asked.times) == (None, None)


class Counting:
    """A client that remembers how often it was asked."""

    def __init__(self, client):
        self._client, self.calls = client, []

    def __getattr__(self, name):
        self.calls.append(name)
        return getattr(self._client, name)


COLUMNS = (
    FeatureColumn("a", 3, **ALIKE),
    FeatureColumn("b", 3, combiner="mean", **ALIKE),
    FeatureColumn("c", 3, combiner="first_n", max_length=2, **ALIKE),
    FeatureColumn("d", 3, feature="c", **ALIKE),
)


def test_columns_become_what_their_combiner_says(client):
    inputs = inputs_for(client, *COLUMNS)
    got = inputs.lookup(inputs.prepare(batch()), create=True).by_column
    [table] = plan_tables(COLUMNS)
    rows = {fid: row(client, table, fid) for fid in (1, 2, 3, 7, 8, 9)}
    zero = np.zeros(3, np.float32)
    wanted = {
        "a": [rows[1], rows[2], rows[1]],
        "b": [(2 * rows[7] + rows[8]) / 3, zero, rows[9]],
        "c": [[rows[1], rows[2]], [rows[3], zero], [zero, zero]],
        "d": [rows[1] + rows[2], rows[3], zero],
    }
    for name, values in wanted.items():
        np.testing.assert_allclose(got[name].detach().numpy(), np.array(values), rtol=1e-5)


def test_gradients_reach_each_id_summed(client):
    inputs = inputs_for(client, *COLUMNS)
    [table] = plan_tables(COLUMNS)
    ids = inputs.prepare(batch())
    embedded = inputs.lookup(ids, create=True)
    before = {fid: row(client, table, fid) for fid in (1, 3, 8)}
    sum(tensor.sum() for tensor in embedded.by_column.values()).backward()
    inputs.submit_apply(ids, embedded, step=0).result()
    learned = {1: 4.0, 3: 2.0, 8: 1 / 3}  # 1 stands twice in a, once in c and in d; 8 is a third of a mean
    for fid, gradient in learned.items():
        np.testing.assert_allclose(row(client, table, fid), before[fid] - gradient, rtol=1e-5)


def test_a_step_asks_once_and_tells_once(client):
    counting = Counting(client)
    tables = plan_tables([*COLUMNS, FeatureColumn("e", 5, feature="a")])
    client.create_tables(configs(tables))
    inputs = SparseInputs(tables, counting)
    ids = inputs.prepare(batch())
    embedded = inputs.lookup(ids, create=True)
    sum(tensor.sum() for tensor in embedded.by_column.values()).backward()
    inputs.submit_apply(ids, embedded, step=0).result()
    assert counting.calls == ["lookup", "submit_apply"]


def test_delays_are_compensated(client):
    """Between lookup and update others moved the rows by 1: g + λ · g² · (w - latest) = 1 + 0.5."""
    late = {"initializer": Zeros(), "optimizer": Dc(Sgd(1.0), 0.5)}
    inputs = inputs_for(client, FeatureColumn("a", 2, **late))
    ids = inputs.prepare(batch())
    embedded = inputs.lookup(ids, create=True)
    others = np.array([2], np.int64)
    client.apply({"a": (others, -np.ones((1, 2), np.float32))})
    embedded.by_column["a"].sum().backward()
    inputs.submit_apply(ids, embedded, step=0).result()
    np.testing.assert_allclose(row(client, "a", 2), [1 - 1.5] * 2)


def test_rates_follow_the_step(client):
    rate = PolynomialDecay(1.0, 10, 0.0)
    inputs = inputs_for(client, FeatureColumn("a", 2, learning_rate=rate, **ALIKE))
    ids = inputs.prepare(batch())
    embedded = inputs.lookup(ids, create=True)
    before = row(client, "a", 2)
    embedded.by_column["a"].sum().backward()
    inputs.submit_apply(ids, embedded, step=5).result()
    np.testing.assert_allclose(row(client, "a", 2), before - 0.5, rtol=1e-5)


def test_looking_creates_nothing(client):
    inputs = inputs_for(client, *COLUMNS)
    embedded = inputs.lookup(inputs.prepare(batch()), create=False)
    assert client.stats().rows == 0
    assert all((tensor == 0).all() for tensor in embedded.by_column.values())


def test_unused_columns_send_nothing(client):
    inputs = inputs_for(client, *COLUMNS)
    ids = inputs.prepare(batch())
    assert inputs.submit_apply(ids, inputs.lookup(ids, create=True), step=0) is None


def test_a_model_of_numbers_asks_nobody():
    inputs = SparseInputs({}, client=None)
    assert dict(inputs.lookup(inputs.prepare(batch()), create=True).by_column) == {}


def test_a_feature_that_is_missing_is_told(client):
    inputs = inputs_for(client, FeatureColumn("z"))
    with pytest.raises(SchemaError, match=r"no ids for 'z', which the model reads \(there: a, b, c\)"):
        inputs.prepare(batch())


def test_gradients_of_numbers_that_torch_owns(client):
    """What backward gives may be laid out in any way: an expanded gradient has no memory of its own."""
    inputs = inputs_for(client, COLUMNS[0])
    ids = inputs.prepare(batch())
    embedded = inputs.lookup(ids, create=True)
    [leaf] = embedded.leaves["a"]
    leaf.grad = torch.ones(1).expand(leaf.shape)
    before = row(client, "a", 1)
    inputs.submit_apply(ids, embedded, step=0).result()
    np.testing.assert_allclose(row(client, "a", 1), before - 2, rtol=1e-5)
