"""A table and its rates, together as upstream hands them around."""

import base64

import pytest

from monolith.core.errors import ConfigError
from monolith.estimator.learning_rates import Constant, PolynomialDecay, WarmUp
from monolith.estimator.table_instance import HashTableConfigInstance
from monolith.ps.definition import from_message
from monolith.table.config import Segment, TableConfig
from monolith.wire.embedding_hash_table_pb2 import EmbeddingHashTableConfig

TWO = TableConfig([Segment(1), Segment(3)])
DECAY = PolynomialDecay(0.1, 10, 0.0)


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, (0.5, 0.1)), (5, (0.5, 0.05)), (10, (0.5, 0.0))],
)
def test_each_segment_has_its_rate(step, expected):
    rates = HashTableConfigInstance(TWO, [Constant(0.5), DECAY]).call_learning_rate_fns(step)
    assert rates == pytest.approx(expected)


def test_rates_that_are_set_come_first():
    instance = HashTableConfigInstance(TWO, [])
    instance.learning_rate_tensor = [0.25, 0.5]
    assert instance.call_learning_rate_fns(3) == (0.25, 0.5)


def test_no_rates_are_refused_when_asked_for():
    with pytest.raises(ConfigError, match=r"^Learning_rate_fns must be not empty\.$"):
        HashTableConfigInstance(TWO, []).call_learning_rate_fns()


def test_rates_of_other_segments_are_refused():
    with pytest.raises(ConfigError, match="3 learning_rate_fns for 2 segments"):
        HashTableConfigInstance(TWO, [0.1] * 3)


def test_its_text_tells_all():
    text = str(HashTableConfigInstance(TWO, [Constant(0.01), DECAY], ["slot_7"]))
    table, rates = text.split(", ", 1)
    assert rates == (
        "LearningRateFns: [0.01, "
        "PolynomialDecay(initial_learning_rate=0.1, decay_steps=10, end_learning_rate=0.0)]"
    )
    message = base64.b64decode(table.removeprefix("TableConfigPB: "))
    assert from_message("t", EmbeddingHashTableConfig.FromString(message)) == TWO


@pytest.mark.parametrize(
    ("one", "other"),
    [(DECAY, PolynomialDecay(0.1, 10, 0.0, power=2)), (DECAY, WarmUp(3, DECAY)), (0.1, 0.2)],
    ids=["power", "warm-up", "number"],
)
def test_other_rates_have_another_text(one, other):
    texts = {str(HashTableConfigInstance(TWO, [rate])) for rate in (one, other, one)}
    assert len(texts) == 2
