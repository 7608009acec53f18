"""The built-in models: what they compute, on schemas with and without numbers."""

import numpy as np
import pytest
import torch

from monolith.core.errors import ModelError
from monolith.core.schema import Feature, Schema
from monolith.estimator.columns import FeatureColumn
from monolith.models.layers import pair_products
from monolith.models.registry import BUILT_IN, load_model

SPARSE = [Feature(name=name, kind="integer", slot=slot) for slot, name in enumerate("abc", 1)]
DENSE = [Feature(name="x", kind="float", width=2), Feature(name="y", kind="float")]


def ready(name, features):
    """A module, and inputs for five rows of which the last repeats the first."""
    schema = Schema(name="s", features=features)
    torch.manual_seed(0)
    model = load_model(name)()
    columns = model.columns(schema)
    embeddings = {
        c.name: torch.randn(4, *c.shape).index_select(0, torch.tensor([0, 1, 2, 3, 0])) for c in columns
    }
    dense = {f.name: torch.randn(4, f.width)[[0, 1, 2, 3, 0]] for f in schema.dense}
    return model.module(columns, schema), embeddings, dense


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("features", [SPARSE, SPARSE + DENSE], ids=["ids", "ids-and-numbers"])
def test_a_logit_per_row_and_nothing_between_rows(name, features):
    module, embeddings, dense = ready(name, features)
    logits = module(embeddings, dense)
    assert logits.shape == (5,)
    assert logits[0].item() == pytest.approx(logits[4].item(), rel=1e-5)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_input_has_its_say(name):
    module, embeddings, dense = ready(name, SPARSE + DENSE)
    inputs = [tensor.requires_grad_() for tensor in (*embeddings.values(), *dense.values())]
    module(embeddings, dense).sum().backward()
    for tensor in (*inputs, *module.parameters()):
        assert tensor.grad is not None
        assert tensor.grad.abs().sum() > 0


def test_pair_products_are_all_pairs():
    vectors = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 4, 5)))
    slow = sum((vectors[:, i] * vectors[:, j]).sum(1) for i in range(4) for j in range(i))
    assert torch.allclose(pair_products(vectors), slow)


@pytest.mark.parametrize("name", ["fm", "deepfm", "dlrm"])
def test_vectors_that_meet_must_be_alike(name):
    columns = [FeatureColumn("a", 4), FeatureColumn("b", 8)]
    with pytest.raises(ModelError, match=r"columns of one width; they have \[4, 8\]"):
        load_model(name)().module(columns, Schema(name="s", features=SPARSE))


def test_dcn_takes_columns_of_any_shape():
    columns = [FeatureColumn("a", 4), FeatureColumn("b", 8, combiner="first_n", max_length=3)]
    module = load_model("dcn")().module(columns, Schema(name="s", features=SPARSE))
    assert module({c.name: torch.ones(2, *c.shape) for c in columns}, {}).shape == (2,)
