"""Example batches and examples: round trips, what is missing, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import DataError, SchemaError
from monolith.wire import example_pb2 as pb
from monolith.wire.columns import LABEL, LINE_ID, SAMPLE_RATE, WEIGHT
from monolith.wire.examples import (
    encode_example_batch,
    encode_examples,
    line_ids,
    parse_example_batch,
    parse_examples,
)
from tests.unit.wire.strategies import SCHEMA, batches, told


@given(batches())
def test_a_batch_survives_the_wire(batch):
    payload = encode_example_batch(batch)
    assert told(parse_example_batch(payload, SCHEMA)) == told(batch)
    assert pb.ExampleBatch.FromString(payload).batch_size == len(batch)


@given(batches())
def test_rows_survive_as_examples(batch):
    weights = np.where(batch.weights == 0, 1, batch.weights)  # proto3 cannot tell 0 from absent
    read = parse_examples(encode_examples(batch), SCHEMA)
    assert told(read)[:-1] == told(batch)[:-1]
    assert read.weights.tolist() == weights.tolist()


@given(batches(), st.data())
def test_damage_never_crashes(batch, data):
    payload = bytearray(encode_example_batch(batch))
    for _ in range(data.draw(st.integers(0, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(payload[: data.draw(st.integers(0, len(payload)))])
    for parse in (parse_example_batch, lambda one, schema: parse_examples([one], schema)):
        try:
            parse(cut, SCHEMA)
        except DataError:
            continue


@given(st.binary(max_size=80))
def test_no_bytes_make_it_crash(data):
    for parse in (parse_example_batch, lambda one, schema: parse_examples([one], schema)):
        try:
            parse(data, SCHEMA)
        except DataError:
            continue


def message(rows=2, **lists):
    """A batch whose lists are given as name=[Feature, …]; a tuple instead of a list is shared."""
    batch = pb.ExampleBatch(batch_size=rows)
    for name, held in lists.items():
        kind = pb.SHARED if isinstance(held, tuple) else pb.INDIVIDUAL
        batch.named_feature_list.add(name=name, feature=held, type=kind)
    return batch.SerializeToString()


def fids(*values):
    return pb.Feature(fid_v2_list={"value": values})


def floats(*values):
    return pb.Feature(float_list={"value": values})


def test_what_is_missing_is_empty_or_zero():
    batch = parse_example_batch(message(2), SCHEMA)
    ids = ([], [0, 0, 0])
    assert told(batch) == (
        {"tags": ids, "user": ids},
        {"vector": [[0, 0], [0, 0]]},
        [0, 0],
        None,
        None,
        [1, 1],
    )


def test_a_row_may_hold_nothing():
    held = message(2, user=[pb.Feature(), fids(7)], vector=[floats(1, 2), pb.Feature()])
    batch = parse_example_batch(held, SCHEMA)
    assert batch.sparse["user"].row_splits.tolist() == [0, 0, 1]
    assert batch.dense["vector"].tolist() == [[1, 2], [0, 0]]


def test_a_shared_list_is_every_rows():
    batch = parse_example_batch(message(3, user=(fids(7, 8),), vector=(floats(1, 2),)), SCHEMA)
    assert batch.sparse["user"].fids.tolist() == [7, 8] * 3
    assert batch.sparse["user"].row_splits.tolist() == [0, 2, 4, 6]
    assert batch.dense["vector"].tolist() == [[1, 2]] * 3


@pytest.mark.parametrize(
    "feature",
    [
        pb.Feature(double_list={"value": [1, 2]}),
        pb.Feature(int64_list={"value": [1, 2]}),
        floats(1, 2),
    ],
)
def test_numbers_of_any_kind_are_dense(feature):
    assert parse_example_batch(message(1, vector=[feature]), SCHEMA).dense["vector"].tolist() == [[1, 2]]


def test_scalars_are_lists_of_one():
    held = message(1, **{LABEL: [pb.Feature(float_value=3)], WEIGHT: [pb.Feature(double_value=0.5)]})
    batch = parse_example_batch(held, SCHEMA)
    assert (batch.labels.tolist(), batch.weights.tolist()) == ([3], [0.5])


REFUSED = {
    "too few rows": (message(2, user=[fids(1)]), DataError, "'user' has 1 rows, the batch has 2"),
    "shared by none": (message(2, user=()), None, ""),
    "shared twice": (message(2, user=(fids(1), fids(2))), DataError, "cannot be repeated"),
    "ids for numbers": (message(1, vector=[fids(1, 2)]), SchemaError, "'vector' holds ids"),
    "numbers for ids": (message(1, user=[floats(1)]), SchemaError, "'user' holds floats, .* wants ids"),
    "width": (
        message(2, vector=[pb.Feature(), floats(1)]),
        SchemaError,
        "'vector' has 1 numbers in row 1, not 2",
    ),
    "no chance": (message(1, **{SAMPLE_RATE: [floats(0)]}), SchemaError, "holds 0.0: must be above 0"),
    "sure and more": (message(1, **{SAMPLE_RATE: [floats(1.5)]}), SchemaError, "1.5: .* at most 1"),
    "absurd size": (message((1 << 31) - 1), DataError, "has 2147483647 rows"),
    "negative size": (message(-1), DataError, "has -1 rows"),
    "swelling": (message(1 << 20, user=(fids(*range(129)),)), DataError, "cannot be repeated"),
}


@pytest.mark.parametrize(("payload", "error", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_is_refused(payload, error, said):
    if error is None:
        assert len(parse_example_batch(payload, SCHEMA)) == 2
        return
    with pytest.raises(error, match=said):
        parse_example_batch(payload, SCHEMA)


def test_a_rate_of_0_is_no_rate():
    rows = [pb.Example(line_id={"sample_rate": rate}) for rate in (0.25, 0)]
    read = parse_examples([row.SerializeToString() for row in rows], SCHEMA)
    assert read.known_sample_rates.tolist() == [0.25, 1]


def test_line_ids_are_told():
    held = [
        pb.Feature(bytes_list={"value": [b"\x11" + bytes(7) + b"\x01"]}),
        pb.Feature(bytes_value=b"\x18\x05"),
    ]
    first, second = line_ids(message(2, **{LINE_ID: held}))
    assert (first.uid, second.req_time) == (1 << 56, 5)
    assert line_ids(message(2)) == []
