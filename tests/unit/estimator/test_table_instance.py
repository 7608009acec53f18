"""A table and its rates, together as upstream hands them around."""

import base64

import pytest

from monolith.core.errors import ConfigError, ModelError
from monolith.estimator.columns import FeatureColumn
from monolith.estimator.learning_rates import Constant, PolynomialDecay, WarmUp
from monolith.estimator.table_instance import HashTableConfigInstance
from monolith.ps.definition import from_message, to_message
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


NO_RATES = {"'often'": ["often"], "None": [None], "<function": lambda: 0.1}


@pytest.mark.parametrize("told", NO_RATES)
def test_what_has_no_value_at_a_step_is_refused(told):
    """A function that takes no step, as upstream's, would give the same rate for ever."""
    with pytest.raises(ConfigError, match=rf"^learning_rate_fns {told}.*: must be a number, or a function"):
        HashTableConfigInstance(TWO, NO_RATES[told])
    with pytest.raises(ModelError, match=r"^column user: learning_rate .*: must be a number, or a function"):
        FeatureColumn("user", learning_rate=NO_RATES["<function"])


@pytest.mark.parametrize("given", [[Segment(1)], None, "user"])
def test_what_is_no_definition_is_refused(given):
    with pytest.raises(ConfigError, match=r"^table_config=.*: must be a TableConfig\(\) or an Embedding"):
        HashTableConfigInstance(given, [0.1])


def test_a_message_is_a_definition():
    assert HashTableConfigInstance(to_message(TWO), 0.1, None) == HashTableConfigInstance(TWO, [0.1])
    with pytest.raises(ConfigError, match=r"^table table_config: its entry_config has no segments"):
        HashTableConfigInstance(EmbeddingHashTableConfig(), [0.1])


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
