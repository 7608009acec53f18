"""One step: what is clipped, and when workers hear of each other. In which order: test_order.py."""

import numpy as np
import pytest
import torch

from monolith.core.errors import ModelError
from monolith.data.reading import Reading
from monolith.estimator.columns import FeatureColumn
from monolith.estimator.model import EstimatorSpec, MonolithModel
from monolith.estimator.tables import configs
from monolith.estimator.trainer import Trainer, assemble
from monolith.metrics.streaming import Quality
from monolith.ps.blocking import BlockingClient
from monolith.ps.shard import LocalShard
from monolith.table.config import Sgd, Zeros


class Plain(MonolithModel):
    """One weight, and rows that start at zero; both learn at rate 1, so that steps are gradients."""

    def columns(self, schema):
        return [FeatureColumn("user", 2, initializer=Zeros(), optimizer=Sgd(1.0))]

    def module(self, columns, schema):
        class Sum(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = torch.nn.Parameter(torch.zeros(1))

            def forward(self, embeddings, dense):
                return embeddings["user"].sum(dim=1) + self.weight * dense["age"].sum(dim=1)

        return Sum()

    def optimizer(self, parameters, learning_rate):
        return torch.optim.SGD(parameters, lr=learning_rate)


class Client:
    """A client that writes down who was called."""

    def __init__(self, client):
        self._client, self.calls = client, []

    def __getattr__(self, name):
        self.calls.append(name)
        return getattr(self._client, name)


@pytest.fixture
def client():
    with BlockingClient.local([LocalShard(0)]) as one:
        yield Client(one)


def trainer(client, dataset, model=None, clip_norm=1000.0, sync_steps=100):
    parts = assemble(model or Plain(), dataset.schema)
    client.create_tables(configs(parts.tables))
    optimizer = parts.model.optimizer(parts.module.parameters(), 1.0)
    one = Trainer(parts, client, optimizer, clip_norm=clip_norm, sync_steps=sync_steps)
    one.dense.join(client)
    client.calls.clear()
    return one


def batch(dataset):
    return next(dataset.batches(Reading(batch_size=40, shuffle=False)))


def train(one, batches, quality=None):
    """Losses of a round over `batches`."""
    asked = enumerate(one.asked(batches))
    return [one.train(step_of, step, quality or Quality()) for step, step_of in asked]


@pytest.mark.parametrize("clip_norm", [1e-3, 1e-1, 1e3])
def test_dense_and_sparse_are_clipped_together(client, dataset, clip_norm):
    one, first = trainer(client, dataset, clip_norm=clip_norm), batch(dataset)
    train(one, [first])
    one.sync()
    errors = (0.5 - first.labels) / 40  # of the logits; each is the gradient of two values of a row
    of_weight = errors @ first.dense["age"].sum(axis=1)
    scale = min(1.0, clip_norm / np.sqrt(2 * errors @ errors + of_weight**2))
    assert -one.parts.module.weight.item() == pytest.approx(of_weight * scale, rel=1e-4)
    users = first.sparse["user"].fids
    row = client.lookup({"user": users[:1]}, create=False)["user"][0]
    np.testing.assert_allclose(-row, errors[users == users[0]].sum() * scale, rtol=1e-4)


@pytest.mark.parametrize(("sync_steps", "pushes"), [(1, 4), (2, 2), (3, 1), (9, 0)])
def test_dense_values_travel_every_few_steps(client, dataset, sync_steps, pushes):
    one = trainer(client, dataset, sync_steps=sync_steps)
    train(one, [batch(dataset)] * 4)
    assert client.calls.count("push_dense") == pushes


def test_a_model_that_is_no_classifier_is_not_judged(client, dataset):
    class Regression(Plain):
        def model_fn(self, module, features, mode):
            pred = module(features.embeddings, features.dense)
            loss = (pred - features.labels).square().mean()
            return EstimatorSpec(mode=mode, pred=pred, loss=loss, classification=False)

    quality = Quality()
    assert train(trainer(client, dataset, Regression()), [batch(dataset)], quality) > [0]
    assert (quality.examples, np.isnan(quality.figures()["logloss"])) == (40, True)


def test_a_model_without_a_loss_is_told(client, dataset):
    class Lossless(Plain):
        def model_fn(self, module, features, mode):
            return EstimatorSpec(mode=mode, pred=features.labels)

    with pytest.raises(ModelError, match="gives no loss to train on"):
        train(trainer(client, dataset, Lossless()), [batch(dataset)])


class Misshapen(Plain):
    def module(self, columns, schema):
        class Wide(torch.nn.Linear):
            def forward(self, embeddings, dense):
                return super().forward(embeddings["user"])

        return Wide(3, 1)


@pytest.mark.parametrize("use", ["train", "judge"])
def test_what_fails_in_a_model_is_told_with_what_it_was_given(client, dataset, use):
    one = trainer(client, dataset, Misshapen())
    said = r"Misshapen fails on a batch: RuntimeError: .* \(given: user \[40, 2\], age \[40, 2\]\)$"
    with pytest.raises(ModelError, match=said):
        train(one, [batch(dataset)]) if use == "train" else one.judge([batch(dataset)])


def test_the_same_seed_gives_the_same_module(dataset):
    class Random(Plain):
        def module(self, columns, schema):
            return torch.nn.Linear(3, 1)

    weights = [assemble(Random(), dataset.schema, seed=seed).module.weight for seed in (1, 1, 2)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_gradients_that_are_no_numbers_stay_here(client, dataset):
    class Rooted(Plain):
        def model_fn(self, module, features, mode):
            pred = module(features.embeddings, features.dense)
            return EstimatorSpec(mode=mode, pred=pred.sigmoid(), loss=(pred * 0).sqrt().sum())

    with pytest.raises(ModelError, match="the norm of the gradients is nan, though the loss is a number"):
        train(trainer(client, dataset, Rooted()), [batch(dataset)])
    assert "submit_apply" not in client.calls
