"""What a model says of a batch."""

import pytest
import torch

from monolith.core.errors import ModelError
from monolith.core.schema import Schema
from monolith.estimator.model import EstimatorSpec, Features, Mode, MonolithModel
from monolith.estimator.trainer import assemble


class Passing(MonolithModel):
    """Its logits are given to it."""

    def module(self, columns, schema):
        return lambda embeddings, dense: dense["logits"]


FEATURES = Features(
    {},
    {"logits": torch.tensor([0.0, 2.0])},
    labels=torch.tensor([1.0, 0.0]),
    weights=torch.tensor([3.0, 1.0]),
    sample_rates=torch.tensor([1.0, 1.0]),
)


def spec_in(mode):
    model = Passing()
    return model.model_fn(model.module([], None), FEATURES, mode)


def test_the_loss_is_a_weighted_mean():
    losses = torch.nn.functional.softplus(torch.tensor([0.0, 2.0]))
    assert spec_in(Mode.TRAIN).loss.item() == pytest.approx(((3 * losses[0] + losses[1]) / 4).item())


def test_predictions_are_probabilities():
    torch.testing.assert_close(spec_in(Mode.PREDICT).pred, torch.tensor([0.5, 0.880797]))


def test_predicting_needs_no_label():
    spec = spec_in(Mode.PREDICT)
    assert (spec.loss, spec.label) == (None, None)


def test_a_spec_can_change_but_for_its_mode():
    spec = EstimatorSpec(mode=Mode.TRAIN, pred=torch.zeros(1), head_name="ctr")
    assert spec.replace(head_name=None, mode=Mode.TRAIN).head_name is None
    with pytest.raises(ModelError, match="Cannot change EstimatorSpec mode from Train to Eval"):
        spec.replace(mode="eval")


def test_a_model_has_the_name_of_its_class():
    assert Passing.name.endswith("test_model:Passing")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            lambda embeddings, dense: dense["logits"][:, None],
            r"Passing gives logits \[2, 1\] instead of .* \[2\]",
        ),
        (lambda embeddings, dense: (dense["logits"],), r"Passing gives tuple instead of logits \[2\]"),
        (lambda embeddings, dense: embeddings["usr"], r"Passing asks for 'usr': there is 'logits'"),
    ],
    ids=["shape", "type", "feature"],
)
def test_what_are_no_logits_is_told(given, said):
    with pytest.raises(ModelError, match=said):
        Passing().model_fn(given, FEATURES, Mode.TRAIN)


@pytest.mark.parametrize(
    ("methods", "said"),
    [
        ({}, r"lacks module\(\)"),
        ({"module": lambda *_: None}, r"its module\(\) gives None, and no torch.nn.Module"),
        ({"module": lambda *_: 1 / 0}, r"model .*Empty fails in module\(\): ZeroDivisionError: division"),
        ({"columns": lambda *_: 1 / 0}, r"model .*Empty fails in columns\(\): ZeroDivisionError: division"),
    ],
    ids=["none", "nothing", "failing", "columns"],
)
def test_a_model_without_a_module_is_told(methods, said):
    with pytest.raises(ModelError, match=said):
        assemble(type("Empty", (MonolithModel,), methods)(), Schema(name="empty", features=()))
