"""Every kind of segment goes into JSON and comes back."""

import json
from typing import get_args

import pytest

from monolith.checkpoint.table_json import table_from_json, table_to_json
from monolith.table import config
from monolith.table.config import Segment, TableConfig

INITIALIZERS = get_args(config.Initializer)
OPTIMIZERS = get_args(config.Optimizer)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_every_segment_comes_back(initializer, optimizer):
    table = TableConfig([Segment(4, initializer(), optimizer(learning_rate=0.5)), Segment(1)])
    assert table_from_json(json.loads(json.dumps(table_to_json(table)))) == table


def test_kinds_are_words():
    plain = table_to_json(TableConfig([Segment(4)]))
    assert plain["kind"] == "table_config"
    assert [plain["segments"][0][part]["kind"] for part in ("initializer", "optimizer")] == [
        "random_uniform",
        "adagrad",
    ]
