"""Which checkpoints a model may go on from, and which of its tables the rows are for."""

from pathlib import Path

import attrs
import pytest

from monolith.checkpoint.files import FileEntry
from monolith.checkpoint.fit import Wanted, files_for, moved, must_be_of
from monolith.checkpoint.manifest import Manifest
from monolith.core.errors import CheckpointMismatch
from monolith.table.config import Adagrad, Adam, Segment, TableConfig, Zeros

SAVED = TableConfig([Segment(8, optimizer=Adagrad()), Segment(1, optimizer=Adam())])
OTHER_RATE = TableConfig([Segment(8, Zeros(), Adagrad(learning_rate=9)), Segment(1, optimizer=Adam())])
COLUMNS = {"pair": {"item": 1, "user": 2}, "age": {"age": 3}}


def file(table):
    return FileEntry(name=table, kind="rows", size=1, crc32c=1, table=table)


MANIFEST = Manifest(
    step=5,
    model="deepfm",
    tables=dict.fromkeys(COLUMNS, SAVED),
    config={"columns": COLUMNS},
    shards=1,
    files=[file("pair"), file("age")],
)


def parted(columns, manifest=MANIFEST, table=OTHER_RATE):
    """Where the rows go: file → table → slots."""
    found = files_for(manifest, Wanted(dict.fromkeys(columns, table), columns), Path("model"))
    return {(entry.name, entry.table): set(entry.slots) for entry in found}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (COLUMNS, {("pair", "pair"): set(), ("age", "age"): set()}),
        (
            {"item": {"item": 1}, "old": {"age": 3, "user": 2}},
            {("pair", "item"): {1}, ("pair", "old"): {2}, ("age", "old"): set()},
        ),
        ({"all": {"item": 1, "user": 2, "age": 3}}, {("pair", "all"): set(), ("age", "all"): set()}),
    ],
)
def test_rows_go_where_their_columns_are(columns, expected):
    assert parted(columns) == expected


@pytest.mark.parametrize(
    "table",
    [
        TableConfig([Segment(9, optimizer=Adagrad())]),
        TableConfig([Segment(8, optimizer=Adam()), Segment(1, optimizer=Adam())]),
        TableConfig([Segment(1, optimizer=Adam()), Segment(8, optimizer=Adagrad())]),
    ],
)
def test_other_rows_are_refused(table):
    with pytest.raises(
        CheckpointMismatch,
        match=r"checkpoint-5 has rows of 8 values \(Adagrad\) \+ 1 values \(Adam\) in table 'pair', where",
    ):
        parted(COLUMNS, table=table)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"pair": {"item": 1, "user": 2}}, "has the columns age, item, user, the model wants item, user"),
        (
            {**COLUMNS, "new": {"new": 4}},
            "has the columns age, item, user, the model wants age, item, new, user",
        ),
        (
            {**COLUMNS, "age": {"age": 4}},
            "has ids of slot 3 in column age, where the schema says 4: choose another model directory",
        ),
    ],
)
def test_other_columns_are_refused(columns, said):
    with pytest.raises(CheckpointMismatch, match=said):
        parted(columns)


def test_rows_of_one_feature_stay_apart():
    """Two columns may be of one feature: an id has a row in the table of each, which cannot become one."""
    columns = {"first": {"a": 1, "x": 2}, "second": {"b": 1}}
    manifest = attrs.evolve(
        MANIFEST,
        tables=dict.fromkeys(columns, SAVED),
        config={"columns": columns},
        files=[file(t) for t in columns],
    )
    assert parted({"first": {"a": 1}, "second": {"b": 1, "x": 2}}, manifest) == {
        ("first", "first"): {1},
        ("first", "second"): {2},
        ("second", "second"): set(),
    }
    with pytest.raises(
        CheckpointMismatch, match=r"one feature \(slot 1\), where the model wants a, b to share"
    ):
        parted({"first": {"a": 1, "b": 1}, "x": {"x": 2}}, manifest)


@pytest.mark.parametrize("names", [("pair", "age"), ("pair",)])
def test_where_columns_were_not_written_down_tables_must_be_the_same(names):
    manifest = attrs.evolve(MANIFEST, config={})
    if len(names) == 2:
        assert parted(COLUMNS, manifest) == {("pair", "pair"): set(), ("age", "age"): set()}
    else:
        with pytest.raises(CheckpointMismatch, match="has the tables age, pair, the model wants pair"):
            parted({name: COLUMNS[name] for name in names}, manifest)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (COLUMNS, None),
        (
            {"pair": {"item": 1}, "age": {"age": 3, "user": 2}},
            "columns share tables otherwise than in checkpoint-5: the rows of 1 change table",
        ),
    ],
)
def test_moves_are_told(columns, said):
    assert moved(MANIFEST, columns) == said
    assert moved(attrs.evolve(MANIFEST, config={}), columns) is None


def test_another_model_is_refused():
    with pytest.raises(CheckpointMismatch, match="belongs to model 'deepfm', not 'wide'"):
        must_be_of(MANIFEST, "wide", Path("model"))
