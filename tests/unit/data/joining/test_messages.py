"""What stands in a message, and what is put there."""

import pytest

from monolith.core.errors import DataError
from monolith.core.schema import Feature, Schema
from monolith.data.joining.messages import kind_of, labelled, unlabelled
from monolith.wire import example_pb2 as pb
from monolith.wire.columns import LABEL, TIME
from monolith.wire.examples import parse_examples

SCHEMA = Schema(name="seen", features=[Feature(name="number", kind="float")])


@pytest.fixture
def example():
    made = pb.Example(label=[9, 8], instance_weight=0.5, line_id={"uid": 3})
    for name, value in (("number", 7.0), (LABEL, 5.0)):
        made.named_feature.add(name=name).feature.float_value = value
    made.named_feature.add(name=TIME).feature.int64_value = 1
    return made


@pytest.mark.parametrize("label", [0, 1])
def test_a_trainer_reads_what_was_joined(example, label):
    value = labelled(unlabelled(example.SerializeToString(), 5_999, 0.25), label)
    batch = parse_examples([value], SCHEMA)
    assert (batch.dense["number"].tolist(), batch.labels.tolist()) == ([[7]], [label])
    assert (batch.weights.tolist(), batch.times.tolist(), batch.sample_rates.tolist()) == ([0.5], [5], [0.25])
    assert pb.Example.FromString(value).line_id.uid == 3


@pytest.mark.parametrize(("own", "rate"), [(0.5, 0.125), (0, 0.25), (1, 0.25)])
def test_rates_are_multiplied(example, own, rate):
    example.line_id.sample_rate = own
    value = unlabelled(example.SerializeToString(), 0, 0.25)
    assert pb.Example.FromString(value).line_id.sample_rate == rate


def test_an_impossible_rate_is_refused(example):
    example.line_id.sample_rate = 2
    with pytest.raises(DataError, match=r"sample rate is 2\.0: must be above 0 and at most 1"):
        unlabelled(example.SerializeToString(), 0, 0.25)


def test_an_action_says_its_kind():
    assert kind_of(b'{"kind": "buy", "price": 3}') == "buy"


@pytest.mark.parametrize(
    ("value", "said"),
    [(b"click", "no JSON"), (b"[1]", "kind of the action"), (b'{"kind": 1}', "kind"), (b"\xff", "no JSON")],
)
def test_an_action_without_a_kind(value, said):
    with pytest.raises(DataError, match=said):
        kind_of(value)
