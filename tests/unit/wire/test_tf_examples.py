"""tf.train.Example: raw rows, and what a schema makes of them."""

from __future__ import annotations

import numpy as np
import pytest

from monolith.core.errors import DataError, SchemaError
from monolith.core.fids import make_fid
from monolith.core.raw_ids import hash48
from monolith.core.schema import Feature, Label, Schema
from monolith.wire.tf_examples import encode_tf_example, parse_tf_examples

SCHEMA = Schema(
    name="raw",
    features=(
        Feature(name="user", kind="integer", slot=1, column="user_id"),
        Feature(name="tags", kind="string", slot=2, many=True),
        Feature(name="price", kind="float", width=2),
    ),
    label=Label(column="rating", threshold=4),
    weight="w",
)


def parsed(*rows):
    return parse_tf_examples([encode_tf_example(row) for row in rows], SCHEMA)


def test_raw_values_become_ids_and_numbers():
    full = {"user_id": [7], "tags": ["a", b"b"], "price": [1.5, 2.0], "rating": [4], "w": [0.5]}
    batch = parsed(full, {"rating": [3.5]})
    assert batch.sparse["user"].fids.tolist() == [make_fid(1, 7)]
    assert batch.sparse["user"].row_splits.tolist() == [0, 1, 1]
    assert batch.sparse["tags"].fids.tolist() == [make_fid(2, hash48("a")), make_fid(2, hash48("b"))]
    assert batch.dense["price"].tolist() == [[1.5, 2], [0, 0]]
    assert (batch.labels.tolist(), batch.weights.tolist()) == ([1, 0], [0.5, 1])
    assert batch.labels.dtype == np.float32


def test_the_same_row_gives_the_same_bytes():
    row = {"b": [1], "a": [2.0], "c": ["x"]}
    assert encode_tf_example(row) == encode_tf_example(dict(reversed(row.items())))


REFUSED = {
    "width": ({"price": [1.0]}, r"'price' has \[1.0\] in row 1, not 2 numbers"),
    "text for a number": ({"rating": ["good"]}, r"'rating' has \[b'good'\] in row 1"),
    "text for an integer": ({"user_id": ["x"]}, "'user' is declared integer"),
    "not text": ({"tags": [b"\xff"]}, "'tags' has a value that is not UTF-8"),
}


@pytest.mark.parametrize(("row", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_value_is_named(row, said):
    with pytest.raises(SchemaError, match=said):
        parsed({}, row)


def test_what_is_no_example_is_named():
    with pytest.raises(DataError, match=r"row 1: not a tf.train.Example"):
        parse_tf_examples([encode_tf_example({}), b"\xff"], SCHEMA)
