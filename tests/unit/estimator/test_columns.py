"""What a column may be, and what it says of its rows."""

import pytest

from monolith.core.errors import ModelError, SchemaError
from monolith.core.schema import Feature, Schema
from monolith.estimator.columns import FeatureColumn, checked_columns
from monolith.table.config import Segment, Zeros
from tests.upstream import by_name

SCHEMA = Schema(
    name="s", features=[Feature(name="movie", kind="string", slot=1), Feature(name="age", kind="float")]
)


def test_bias_stands_before_the_vector():
    column = FeatureColumn("movie", 8, bias=Segment(1, Zeros()))
    assert [s.dim for s in column.segments] == [1, 8]
    assert column.shape == (9,)


def test_first_n_keeps_ids_apart():
    assert FeatureColumn("movie", 8, combiner="first_n", max_length=5).shape == (5, 8)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"combiner": "first_n"}, "max_length=0 with combiner=first_n"),
        ({"combiner": "sum", "max_length": 3}, "max_length=3 with combiner=sum"),
        ({"occurrence_threshold": -1}, "column movie: .*default_occurrence_threshold=-1: must be >= 0"),
        ({"occurrence_threshold": 16}, "column movie: occurrence threshold 16: must be <= 15"),
        ({"expire_days": -1}, "column movie: .*default_expire_time=-1: must be >= 0"),
        ({"max_rows": -1}, "column movie: .*max_rows=-1: must be >= 0"),
        ({"memory_budget_bytes": -1}, "column movie: .*memory_budget_bytes=-1: must be >= 0"),
        ({"combiner": "max"}, "combiner='max': must be one of: sum, mean, sqrtn, first_n"),
    ],
)
def test_what_cannot_be_is_told(given, sentence):
    with pytest.raises(ModelError, match=sentence):
        FeatureColumn("movie", **given)


@pytest.mark.parametrize(
    ("columns", "error", "sentence"),
    [
        ([FeatureColumn("film")], SchemaError, "no feature 'film'"),
        ([FeatureColumn("age")], ModelError, "'age', which is numbers, not ids"),
        ([FeatureColumn("movie"), FeatureColumn("movie", 8)], ModelError, "'movie' stands there twice"),
    ],
)
def test_columns_that_miss_the_schema_are_told(columns, error, sentence):
    with pytest.raises(error, match=sentence):
        checked_columns(columns, SCHEMA)


def test_two_columns_may_read_one_feature():
    columns = (FeatureColumn("movie"), FeatureColumn("movie_weight", 1, feature="movie"))
    assert checked_columns(columns, SCHEMA) == columns


def test_a_threshold_reaches_its_slot():
    vector = by_name("training")["slot_threshold_collected_from_task"]
    column = FeatureColumn("movie", occurrence_threshold=vector["given"]["occurrence_threshold"])
    thresholds = column.table_config.slot_occurrence_threshold_config.by_slot()
    for slot, threshold in vector["expect"]["slot_to_occurrence_threshold"].items():
        assert thresholds[int(slot)] == threshold
