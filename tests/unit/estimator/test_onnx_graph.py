"""The graph's inputs are the model's, and nothing else of the exporting machine is in it."""

import onnx
import pytest
import torch

from monolith.core.errors import ModelError
from monolith.core.schema import Feature, Schema
from monolith.estimator.columns import FeatureColumn
from monolith.estimator.model import MonolithModel
from monolith.estimator.onnx_graph import dense_graph
from monolith.estimator.trainer import assemble

SCHEMA = Schema(
    name="toy",
    features=[
        Feature(name="tags", kind="integer", slot=1, many=True),
        Feature(name="age", kind="float", width=2),
    ],
)


class Total(torch.nn.Module):
    def forward(self, embeddings, dense):
        return embeddings["first"].sum(dim=(1, 2)) + dense["age"].sum(dim=1)


class Totalling(MonolithModel):
    def columns(self, schema):
        return [
            FeatureColumn("first", 4, feature="tags", combiner="first_n", max_length=3),
            FeatureColumn("tags", 2),  # which the module does not look at
        ]

    def module(self, columns, schema):
        return Total()


@pytest.fixture(scope="module")
def graph():
    return dense_graph(assemble(Totalling(), SCHEMA))


def shapes(values):
    return {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in values
    }


def test_inputs_are_columns_and_numbers(graph):
    described = onnx.load_from_string(graph).graph
    assert shapes(described.input) == {"first": ["batch", 3, 4], "tags": ["batch", 2], "age": ["batch", 2]}
    assert shapes(described.output) == {"prediction": ["batch"]}


def test_nothing_tells_where_it_was_made(graph):
    assert __file__.encode() not in graph
    assert b"site-packages" not in graph
    assert torch.__file__.encode() not in graph


def test_column_named_like_a_number_is_refused():
    class Clashing(Totalling):
        def columns(self, schema):
            return [FeatureColumn("age", 4, feature="tags")]

    with pytest.raises(ModelError, match="'age' is the name of a column and of a dense feature"):
        dense_graph(assemble(Clashing(), SCHEMA))


def test_module_without_a_graph_is_named():
    class Fickle(torch.nn.Module):
        def forward(self, embeddings, dense):
            return dense["age"][:, 0] if dense["age"].sum() > 0 else dense["age"][:, 1]

    class Deciding(Totalling):
        def module(self, columns, schema):
            return Fickle()

    with pytest.raises(ModelError, match=r"dense part of .*Deciding cannot become an ONNX graph: ") as caught:
        dense_graph(assemble(Deciding(), SCHEMA))
    assert "\n" not in str(caught.value)
