"""Negatives left out: the loss knows, and predictions need not."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from monolith.core.batch import Batch
from monolith.core.errors import ModelError
from monolith.core.schema import Feature, Schema
from monolith.estimator.correction import clipped, corrected
from monolith.estimator.model import Features, Mode, MonolithModel
from monolith.estimator.trainer import Trainer, assemble
from monolith.metrics.streaming import Quality
from monolith.models.layers import LinearOfNumbers
from monolith.ps.blocking import BlockingClient
from monolith.ps.shard import LocalShard

SCHEMA = Schema(name="clicks", features=[Feature(name="item", kind="float", width=4)])
CHANCES = np.array([0.02, 0.05, 0.1, 0.3])  # of a click, by item
ROWS = 20_000


class Regression(MonolithModel):
    """A weight per item."""

    def module(self, columns, schema):
        class Linear(LinearOfNumbers):
            def forward(self, embeddings, dense):
                return super().forward(dense)

        return Linear(schema)


def traffic(seed):
    draw = np.random.default_rng(seed)
    items = draw.integers(0, len(CHANCES), ROWS)
    return items, (draw.random(ROWS) < CHANCES[items]).astype(np.float32)


def batch(items, labels, rates=None):
    one_hot = np.eye(len(CHANCES), dtype=np.float32)[items]
    return Batch({}, {"item": one_hot}, labels, np.ones(len(items), np.float32), sample_rates=rates)


def sampled(rate, positives_rate):
    """What is left of the traffic where a part of the negatives stays, and the rates it says."""
    items, labels = traffic(1)
    left = (labels > 0) | (np.random.default_rng(2).random(ROWS) < rate)
    items, labels = items[left], labels[left]
    return batch(items, labels, np.where(labels > 0, positives_rate, rate).astype(np.float32))


def figures_after(training):
    """What a model that learned from one batch, over and over, makes of whole traffic, and of that batch."""
    with BlockingClient.local([LocalShard(0)]) as client:
        parts = assemble(Regression(), SCHEMA)
        optimizer = torch.optim.Adam(parts.module.parameters(), 0.3)
        trainer = Trainer(parts, client, optimizer, clip_norm=1000.0, sync_steps=1000)
        for step, asked in enumerate(trainer.asked([training] * 60)):
            trainer.train(asked, step, Quality())
        return [trainer.judge([rows]).figures() for rows in (batch(*traffic(3)), training)]


@pytest.mark.parametrize(
    "rate", [pytest.param(0.1, id="a tenth of the negatives"), pytest.param(1.0, id="all of them")]
)
def test_predictions_are_of_whole_traffic(rate):
    whole, training = figures_after(sampled(rate, positives_rate=rate))
    assert whole["calibration"] == pytest.approx(1, abs=0.06)
    assert training["calibration"] == pytest.approx(1, abs=0.06)  # what was left out is weighed in


def test_all_rows_carry_the_rate():
    """Were positives, all of which are kept, to say 1, predictions would be far too low or high."""
    whole, _ = figures_after(sampled(0.1, positives_rate=1.0))
    assert abs(math.log(whole["calibration"])) > math.log(1.3)


def test_the_loss_is_of_kept_rows():
    logits, rates = torch.tensor([0.5, -1.0, 30.0]), torch.tensor([0.1, 0.5, 1.0])
    labels = torch.tensor([1.0, 0.0, 0.0])

    class Clipping(MonolithModel):
        logit_clip_threshold = 0.01

        def module(self, columns, schema):
            return lambda embeddings, dense: logits

    model = Clipping()
    spec = model.model_fn(
        model.module([], SCHEMA), Features({}, {}, labels, torch.ones(3), rates), Mode.TRAIN
    )
    bound = math.log(0.99 / 0.01)
    kept = torch.tensor([0.5 + math.log(10), -1 + math.log(2), bound])
    assert spec.loss.item() == pytest.approx(binary_cross_entropy_with_logits(kept, labels).item())
    torch.testing.assert_close(spec.pred, logits.sigmoid())


def test_a_rate_of_1_corrects_nothing():
    logits = torch.tensor([-3.0, 4.0])
    torch.testing.assert_close(corrected(logits, torch.ones(2)), logits, rtol=0, atol=0)


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.5])
def test_a_threshold_is_a_probability(threshold):
    with pytest.raises(ModelError, match=f"logit_clip_threshold is {threshold}: must be above 0"):
        clipped(torch.zeros(1), threshold)
