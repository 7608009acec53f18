"""A whole job in one process."""

import numpy as np
import pytest

from monolith.config.training import TrainingConfig
from monolith.core.errors import CheckpointMismatch, CheckpointNotFound, ConfigError
from monolith.estimator.around import Around
from monolith.estimator.estimator import Estimator
from monolith.estimator.hooks import EarlyStoppingHook
from monolith.models.lr import LogisticRegression
from monolith.models.registry import load_model
from tests.unit.estimator.conftest import Talk


@pytest.fixture
def estimator(dataset, config):
    return Estimator(LogisticRegression(), dataset, config)


@pytest.mark.parametrize(
    ("asked", "steps"),
    [({}, 20), ({"steps": 3}, 3), ({"max_steps": 5}, 5), ({"steps": 9, "max_steps": 5}, 5)],
)
def test_training_goes_as_far_as_asked(estimator, asked, steps):
    assert estimator.train(**asked).global_step == steps


def test_steps_count_from_where_it_stands(estimator):
    estimator.train(steps=3)
    assert estimator.train(steps=4).global_step == 7
    assert estimator.train(max_steps=6).global_step == 7


def test_evaluating_agrees_with_training(estimator):
    trained = estimator.train()
    result = estimator.evaluate("valid")
    assert result.global_step == 20
    assert result.figures == pytest.approx(trained.evaluation)


def test_evaluating_a_few_batches(estimator):
    estimator.train(steps=1)
    assert estimator.evaluate("valid", steps=2).figures["examples"] == 80


def test_evaluating_tells_what_it_passed_over_and_changes_nothing(estimator, dataset, config):
    estimator.train(steps=3)
    estimator.train(steps=4)
    dense = config.model_dir / "checkpoint-7" / "dense.safetensors"
    dense.write_bytes(dense.read_bytes()[:-1] + b"!")
    before, talk = sorted(config.model_dir.rglob("*")), Talk()
    evaluating = Estimator(LogisticRegression(), dataset, config, around=Around(progress=talk))
    assert evaluating.evaluate("valid").global_step == 4
    assert [said.split(":")[0] for said in talk.said] == ["checkpoint-7 is damaged and was passed over"]
    assert sorted(config.model_dir.rglob("*")) == before


def test_training_and_evaluating_take_turns(estimator):
    results = estimator.train_and_evaluate(steps=3, evaluations=2)
    assert [result.global_step for result in results] == [3, 6]
    assert all(result.figures["examples"] > 0 for result in results)
    with pytest.raises(ConfigError, match="No evaluation was performed"):
        estimator.train_and_evaluate(steps=3, evaluations=0)


def test_an_early_stop_is_evaluated_and_is_the_last(dataset, config):
    around = Around(hooks=[EarlyStoppingHook("loss", patience=1, min_delta=10.0)])
    results = Estimator(LogisticRegression(), dataset, config, around=around).train_and_evaluate(
        steps=5, evaluations=3
    )
    assert len(results) == 1
    assert results[0].global_step < 5


def test_predictions_come_in_the_splits_order(estimator, dataset):
    estimator.train(steps=5)
    predictions = list(estimator.predict("test"))
    assert [len(part) for part in predictions] == [40, 10]
    assert all(((part > 0) & (part < 1)).all() for part in predictions)
    np.testing.assert_array_equal(
        np.concatenate(predictions), np.concatenate(list(estimator.predict("test")))
    )


@pytest.mark.parametrize("use", [lambda e: e.evaluate(), lambda e: next(e.predict())])
def test_nothing_trained_is_told(estimator, use):
    with pytest.raises(CheckpointNotFound, match="no checkpoint here: train first"):
        use(estimator)


def test_another_model_is_told(estimator, dataset, config):
    estimator.train(steps=1)
    with pytest.raises(CheckpointMismatch, match="belongs to model"):
        Estimator(load_model("fm")(), dataset, config).evaluate()


def test_settings_are_checked_at_once(dataset):
    with pytest.raises(ConfigError, match="batch_size=0"):
        Estimator(LogisticRegression(), dataset, TrainingConfig(model_dir="x", batch_size=0))


def test_the_example_trains(dataset, config):
    model = load_model("examples/own_model.py:TwoTowers")()
    result = Estimator(model, dataset, config).train()
    assert result.evaluation["examples"] == 100
