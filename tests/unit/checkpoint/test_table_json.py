"""Every kind of segment goes into JSON and comes back."""

import json

from hypothesis import given

from monolith.checkpoint.table_json import table_from_json, table_to_json
from monolith.table.config import Segment, TableConfig
from tests.unit.table.strategies import tables


@given(tables)
def test_every_table_comes_back(table):
    assert table_from_json(json.loads(json.dumps(table_to_json(table)))) == table


def test_kinds_are_words():
    plain = table_to_json(TableConfig([Segment(4)]))
    assert plain["kind"] == "table_config"
    assert [plain["segments"][0][part]["kind"] for part in ("initializer", "optimizer")] == [
        "random_uniform",
        "adagrad",
    ]
