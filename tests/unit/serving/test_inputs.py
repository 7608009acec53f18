"""One batch, many ways to send it."""

import numpy as np
import pytest

from monolith.core.errors import InvalidRequest
from monolith.core.raw_ids import to_fids
from monolith.serving.columns import RawColumn, to_batch
from monolith.serving.inputs import SERIALIZED, from_columns, from_instances, from_tensors
from monolith.testing.exports import SCHEMA
from monolith.wire.examples import encode_example_batch, encode_examples
from monolith.wire.instance_pb2 import Instance
from monolith.wire.tensors import to_tensor
from monolith.wire.tf_examples import encode_tf_example

INSTANCES = [
    {"user": 1, "genres": ["noir", "drama"], "age": [1.0, 2.0]},
    {"user": 2**60, "genres": [], "age": [0.0, -0.5]},
]
COLUMNS = {name: [row[name] for row in INSTANCES] for name in INSTANCES[0]}
BATCH = to_batch(SCHEMA, {name: RawColumn.of_rows(name, column) for name, column in COLUMNS.items()})


def text(*values):
    return to_tensor(np.array(values, object))


def as_instance(row):
    genres = to_fids(SCHEMA["genres"], np.array(row["genres"], object))
    features = [
        {"name": "user", "fid": to_fids(SCHEMA["user"], np.array([row["user"]])).view(np.uint64)},
        {"name": "genres", "fid": genres.view(np.uint64)},
        {"name": "age", "float_value": row["age"]},
    ]
    return Instance(feature=features).SerializeToString()


WAYS = {
    "raw tensors": lambda: from_tensors(
        SCHEMA,
        {
            "user": to_tensor(np.array([1, 2**60])),
            "genres": text(["noir", "drama"], ["", ""]),
            "age": to_tensor(np.array(COLUMNS["age"])),
        },
    ),
    "instances": lambda: from_instances(SCHEMA, INSTANCES),
    "columns": lambda: from_columns(SCHEMA, COLUMNS),
    "examples": lambda: from_tensors(SCHEMA, {"examples": text(*encode_examples(BATCH))}),
    "instances of protobuf": lambda: from_tensors(SCHEMA, {"instances": text(*map(as_instance, INSTANCES))}),
    "example_batch": lambda: from_tensors(SCHEMA, {"example_batch": text(encode_example_batch(BATCH))}),
    "tf_examples": lambda: from_tensors(
        SCHEMA,
        {"tf_examples": text(*(encode_tf_example({**r, "user": [r["user"]]}) for r in INSTANCES))},
    ),
}


def plain(batch):
    sparse = {n: (r.fids.tolist(), r.row_splits.tolist()) for n, r in batch.sparse.items()}
    return sparse, {n: v.tolist() for n, v in batch.dense.items()}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_same_batch(way):
    assert plain(WAYS[way]()) == plain(BATCH)


def test_minus_one_is_a_number_among_numbers():
    batch = from_tensors(SCHEMA, {"age": to_tensor(np.array([[-1, 3]]))})
    assert batch.dense["age"].tolist() == [[-1, 3]]


def test_instance_may_leave_features_out():
    assert from_instances(SCHEMA, [{"user": 1}, {}]).sparse["user"].lengths.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: from_instances(SCHEMA, {"user": 1}), '"instances" must be a list of objects'),
        (lambda: from_instances(SCHEMA, [1]), '"instances" must be a list of objects'),
        (lambda: from_columns(SCHEMA, [1]), '"inputs" must be an object of lists'),
        (lambda: from_columns(SCHEMA, {"user": 1}), '"inputs" must be an object of lists'),
        (
            lambda: from_tensors(SCHEMA, {"examples": text(b"x"), "user": text(b"y")}),
            "input 'examples' holds whole rows: give no other input beside it",
        ),
        (
            lambda: from_tensors(SCHEMA, {"examples": to_tensor(np.zeros(1))}),
            "input 'examples' holds serialized messages: send DT_STRING",
        ),
        (
            lambda: from_tensors(SCHEMA, {"example_batch": text(b"", b"")}),
            "input 'example_batch': takes one message, which holds all rows, and got 2",
        ),
    ],
)
def test_refusal_says_what_to_send(ask, told):
    with pytest.raises(InvalidRequest) as caught:
        ask()
    assert told in str(caught.value)


@pytest.mark.parametrize("name", SERIALIZED)
def test_bytes_that_are_no_message_are_refused(name):
    with pytest.raises(InvalidRequest, match=f"input '{name}': "):
        from_tensors(SCHEMA, {name: text(b"\xff\xff\xff")})
