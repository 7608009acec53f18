"""Good messages become rows whatever stands beside them; bad ones are named."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.config.stream import MessageFormat
from monolith.data.streams.log import Message, Partition
from monolith.wire.examples import encode_examples
from tests.unit.data.streams.conftest import NOW_S, as_json, decoder, example, example_batch, labels, rows

HERE = Partition("clicks", 0)
MAKE = {
    MessageFormat.EXAMPLE: example,
    MessageFormat.EXAMPLE_BATCH: lambda number: example_batch(number * 10, 3),
    MessageFormat.JSON: as_json,
}
BAD = {
    MessageFormat.EXAMPLE: b"\xff\xff",
    MessageFormat.EXAMPLE_BATCH: b"\xff\xff",
    MessageFormat.JSON: b'{"user": 1,',
}
formats = pytest.mark.parametrize("what", list(MessageFormat))


def messages(values, **more):
    return [Message(HERE, offset, value, **more) for offset, value in enumerate(values)]


def decoded(pieces):
    """Labels of all rows, and offset → reason of the poison."""
    pieces = list(pieces)
    held = [label for piece in pieces if piece.rows for label in labels(piece.rows)]
    return held, {p.poison.message.offset: p.poison.reason for p in pieces if p.poison}


def one_json(**more):
    held, poison = decoded(decoder(MessageFormat.JSON).decode(messages([as_json(3, **more)])))
    return held or poison[0]


@formats
@given(data=st.data())
def test_poison_costs_its_neighbours_nothing(what, data):
    good = data.draw(st.lists(st.booleans(), max_size=20))
    values = [MAKE[what](number) if fine else BAD[what] for number, fine in enumerate(good)]
    pieces = list(decoder(what).decode(messages(values)))
    alone = [decoder(what).decode(messages([value])) for value in values]
    held, poison = decoded(pieces)
    assert held == [label for one in alone for label in decoded(one)[0]]
    assert set(poison) == {offset for offset, fine in enumerate(good) if not fine}
    assert [m.offset for piece in pieces for m in piece.messages] == list(range(len(good)))


@formats
def test_rows_have_the_time_of_their_message(what):
    values = [MAKE[what](1), MAKE[what](2)]
    (piece, *more) = decoder(what).decode(messages(values, timestamp_ms=1_600_000_123_456))
    for one in (piece, *more):
        assert one.rows.times.dtype == np.uint32
        assert set(one.rows.times) == {1_600_000_123}


def test_without_a_time_rows_keep_their_own():
    (piece,) = decoder().decode([Message(HERE, 0, example(1)), Message(HERE, 1, example(2), None, 7_000)])
    assert piece.rows.times.tolist() == [0, 7]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Message(HERE, 0, None), "no value"),
        (Message(HERE, 0, example(1)), "no key"),
        (Message(HERE, 0, example(1), b"k", int(NOW_S + 3_601) * 1000), "2023-11-14T23:13:21"),
        (Message(HERE, 0, example(1), b"k", 1 << 62), "in the future"),
    ],
)
def test_what_cannot_be_is_refused(message, reason):
    held, poison = decoded(decoder(needs_key=True).decode([message]))
    assert held == []
    assert reason in poison[0]


def test_the_near_future_is_believed():
    message = Message(HERE, 0, example(1), None, int(NOW_S + 3_599) * 1000)
    assert decoded(decoder().decode([message])) == ([1], {})


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"label": "much"}, "not a number"),
        ({"label": None}, "not a finite number"),
        ({"age": [1, 2]}, "not a number"),
        ({"age": np.nan}, "NaN is no value"),
        ({"label": -np.inf}, "-Infinity is no value"),
        ({"age": 1e39}, "'age' holds a number that is not finite"),
        ({"label": 1e39}, "label holds a number"),
        ({"user": {"id": 1}}, "user"),
        ({"user": "x"}, "user"),
    ],
)
def test_json_is_held_to_the_schema(more, reason):
    assert reason in one_json(**more)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["labels", "weights", "dense"])
def test_what_would_spoil_the_model_is_poison(where, value):
    batch = rows([1])
    (batch.dense["age"] if where == "dense" else getattr(batch, where))[0] = value
    held, poison = decoded(decoder().decode(messages([*encode_examples(batch), example(2)])))
    assert (held, list(poison)) == ([2], [0])


def test_a_missing_column_is_an_empty_cell():
    assert one_json(age=None) == one_json(user=None) == [3]


@pytest.mark.parametrize("value", [b"", b"[1]", b"7", b"\xff", b"[" * 100_000, b'"a"'])
def test_what_is_no_object_is_poison(value):
    held, poison = decoded(decoder(MessageFormat.JSON).decode(messages([value])))
    assert (held, list(poison)) == ([], [0])


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["user", "age", "label"]), anything))
def test_no_object_is_fatal(held):
    pieces = list(decoder(MessageFormat.JSON).decode(messages([json.dumps(held).encode()])))
    assert len(pieces) == 1


@formats
@given(value=st.binary(max_size=64))
def test_no_bytes_are_fatal(what, value):
    assert len(list(decoder(what).decode(messages([value])))) == 1


def test_batches_are_asked_for_few_at_once():
    assert decoder(MessageFormat.EXAMPLE_BATCH).at_once(512) == 16
    assert decoder(MessageFormat.JSON).at_once(512) == 512


def test_nothing_has_the_columns_of_the_schema():
    assert (len(decoder().empty()), list(decoder().empty().sparse)) == (0, ["user"])
