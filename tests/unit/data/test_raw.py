"""Raw columns into batches."""

from __future__ import annotations

import numpy as np
import pytest

from monolith.core.errors import SchemaError
from monolith.core.fids import make_fid
from monolith.core.raw_ids import hash48
from monolith.core.schema import Feature, Label, Schema, Split
from monolith.data.raw import Chunk, needed, to_batch

SCHEMA = Schema(
    name="raw",
    features=(
        Feature(name="user", kind="integer", slot=1, column="uid"),
        Feature(name="city", kind="string", slot=2),
        Feature(name="age", kind="float"),
        Feature(name="vector", kind="float", width=2, separator=";"),
    ),
    label=Label(column="rating", threshold=4),
    split=Split(time="when"),
    weight="w",
    sample_rate="kept",
)
ROWS = {
    "uid": ["7", "8", ""],
    "city": ["Köln", "", "Bonn"],
    "age": ["30.5", "", "-1"],
    "vector": ["1;2", "", "3;4"],
    "rating": ["4", "3.9", "5"],
    "w": ["0.5", "", "2"],
    "kept": ["0.25", "", "1"],
}


def chunk(**changed):
    held = {name: np.fromiter(values, object, len(values)) for name, values in (ROWS | changed).items()}
    return Chunk(held, "some.csv", 11)


def test_columns_become_what_the_schema_says():
    batch = to_batch(SCHEMA, chunk())
    assert batch.sparse["user"].fids.tolist() == [make_fid(1, 7), make_fid(1, 8)]
    assert batch.sparse["city"].fids.tolist() == [make_fid(2, hash48("Köln")), make_fid(2, hash48("Bonn"))]
    assert batch.sparse["city"].row_splits.tolist() == [0, 1, 1, 2]
    assert batch.dense["age"].tolist() == [[30.5], [0], [-1]]
    assert batch.dense["vector"].tolist() == [[1, 2], [0, 0], [3, 4]]
    assert batch.labels.tolist() == [1, 0, 1]
    assert batch.weights.tolist() == [0.5, 1, 2]
    assert batch.sample_rates.tolist() == [0.25, 1, 1]
    assert {batch.labels.dtype, batch.weights.dtype, batch.dense["age"].dtype} == {np.dtype(np.float32)}


def test_numbers_need_not_be_text():
    typed = {"uid": [7, 8, None], "age": [30.5, None, -1], "rating": [4, 3.9, 5], "w": [0.5, None, 2]}
    text, other = to_batch(SCHEMA, chunk()), to_batch(SCHEMA, chunk(**typed))
    assert text.sparse["user"].fids.tolist() == other.sparse["user"].fids.tolist()
    assert text.dense["age"].tolist() == other.dense["age"].tolist()
    assert (text.labels.tolist(), text.weights.tolist()) == (other.labels.tolist(), other.weights.tolist())


def test_lists_need_no_separator():
    batch = to_batch(SCHEMA, chunk(vector=[[1, 2], [], None]))
    assert batch.dense["vector"].tolist() == [[1, 2], [0, 0], [0, 0]]


def test_the_columns_that_are_read():
    assert needed(SCHEMA) == ["uid", "city", "age", "vector", "rating", "w", "kept", "when"]


REFUSED = {
    "id": (
        {"uid": ["1", "", "x"]},
        "row 13: feature 'user' is declared integer, but has the value 'x': mend",
    ),
    "ids": (
        {"city": ["a", ["b"], ""]},
        r"row 12: feature 'city' takes one value a row, but has \['b'\]: mend",
    ),
    "label": ({"rating": ["4", "good", "5"]}, "row 12: column 'rating' is 'good', which is not a number"),
    "no label": ({"rating": ["4", "", "5"]}, "row 12: column 'rating' is '', which is not a number"),
    "nan label": ({"rating": ["4", "4", "nan"]}, "row 13: column 'rating' is 'nan', which is not a finite"),
    "weight": ({"w": ["1", "1", "x"]}, "row 13: column 'w' is 'x', which is not a number"),
    "no chance": ({"kept": ["1", "0", "1"]}, "row 12: column 'kept' is '0', which is not above 0"),
    "number": ({"age": ["x", "1", "1"]}, "row 11: column 'age' is 'x', which is not a number"),
    "width": ({"vector": ["1;2", "1", ""]}, "row 12: column 'vector' is '1', which is not 2 finite"),
    "no vector": ({"vector": ["1;x", "", ""]}, "row 11: column 'vector' is '1;x', which is not 2 finite"),
    "list": ({"vector": ["1;2", "1;2;3", ""]}, "row 12: column 'vector' is '1;2;3', which is not 2 finite"),
}


@pytest.mark.parametrize(("changed", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_value_is_named(changed, said):
    with pytest.raises(SchemaError, match=said) as caught:
        to_batch(SCHEMA, chunk(**changed))
    assert caught.value.path == "some.csv"


def test_a_missing_column_is_named():
    with pytest.raises(SchemaError, match=r"some.csv: there is no column 'uid' \(columns: city\)"):
        to_batch(SCHEMA, Chunk({"city": np.array(["x"])}, "some.csv"))
