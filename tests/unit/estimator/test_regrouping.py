"""A training whose columns share tables otherwise than in the checkpoint that it goes on from."""

import itertools

import attrs
import numpy as np
import pytest

from monolith.core.errors import CheckpointMismatch
from monolith.estimator.around import Around
from monolith.estimator.columns import FeatureColumn
from monolith.estimator.estimator import Estimator
from monolith.models.lr import LogisticRegression
from monolith.table.retention import FilterConfig, FilterType
from tests.unit.estimator.conftest import Talk

GROUPINGS = [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 1, 2)]  # of user, item and tags


class Grouped(LogisticRegression):
    """Columns of one group share a table: they are told the same, so far as nothing else depends on it."""

    def __init__(self, groups, **told):
        super().__init__()
        self._groups, self._told = groups, told

    def columns(self, schema):
        return [
            attrs.evolve(column, expire_days=3_000 + group, **self._told)
            for column, group in zip(super().columns(schema), self._groups, strict=True)
        ]


def learned(dataset, config, *models, folder):
    """What is predicted after four steps of each model, one after the other in one directory."""
    config = attrs.evolve(config, model_dir=config.model_dir / folder)
    for model in models:
        Estimator(model, dataset, config).train(steps=4)
    return np.concatenate(list(Estimator(models[-1], dataset, config).predict()))


def test_rows_go_along(dataset, config):
    """Whoever shares with whom, before and after: the rows and what their optimizers know."""
    expected = learned(dataset, config, *2 * [Grouped((0, 0, 0))], folder="all")
    for i, (before, after) in enumerate(itertools.permutations(GROUPINGS, 2)):
        found = learned(dataset, config, Grouped(before), Grouped(after), folder=str(i))
        np.testing.assert_array_equal(found, expected, err_msg=f"{before} to {after}")


@pytest.mark.parametrize("kind", [FilterType.SLIDING_HASH_FILTER, FilterType.EXACT_COUNTER])
def test_who_occurred_is_remembered(dataset, config, kind):
    """By the filter of the table where the column was, for that where it is: eight times are not enough."""
    told = {"occurrence_threshold": 12, "filter_config": FilterConfig(kind, 1000)}
    expected = learned(dataset, config, *2 * [Grouped((0, 1, 2), **told)], folder="all")
    for i, (before, after) in enumerate(itertools.permutations([*GROUPINGS[:2], GROUPINGS[-1]], 2)):
        found = learned(dataset, config, Grouped(before, **told), Grouped(after, **told), folder=str(i))
        np.testing.assert_array_equal(found, expected, err_msg=f"{before} to {after}")


def test_it_is_told(dataset, config):
    talk = Talk()
    Estimator(Grouped((0, 0, 0)), dataset, config).train(steps=4)
    for groups in [(0, 0, 1), (0, 0, 1)]:
        Estimator(Grouped(groups), dataset, config, around=Around(progress=talk)).train(steps=1)
    assert [said for said in talk.said if "share" in said] == [
        "columns share tables otherwise than in checkpoint-4: the rows of 3 change table"
    ]


class Renamed(Grouped):
    """One column under another name."""

    def columns(self, schema):
        user, *others = super().columns(schema)
        return [attrs.evolve(user, name="who"), *others]


class Widened(Grouped):
    def columns(self, schema):
        return [FeatureColumn(column.name, 2) for column in super().columns(schema)]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Renamed, "has the columns item, tags, user, the model wants item, tags, who: choose another"),
        (Widened, r"has rows of 1 values \(Adagrad\) in table 'dim1-.*', where the model wants 2 values"),
    ],
)
def test_other_rows_are_refused(dataset, config, monkeypatch, model, said):
    monkeypatch.setattr(model, "name", Grouped.name)
    Estimator(Grouped((0, 0, 0)), dataset, config).train(steps=1)
    with pytest.raises(CheckpointMismatch, match=said):
        Estimator(model((0, 0, 0)), dataset, config).train(steps=2)
