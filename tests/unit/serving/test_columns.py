"""Raw values mean the same batch whichever way they are written down."""

import numpy as np
import pytest

from monolith.core.errors import InvalidRequest
from monolith.core.raw_ids import to_fids
from monolith.serving.columns import RawColumn, to_batch
from monolith.testing.exports import SCHEMA


def array(values, dtype=object):
    return RawColumn.of_array("it", np.array(values, dtype))


def rows(values):
    return RawColumn.of_rows("it", values)


WAYS = {
    "user": [array([7, -1, 9], "i8"), array([[7], [-1], [9]], "i4"), rows([7, None, 9]), rows([[7], [], 9])],
    "genres": [
        array([["a", "b"], ["", ""], [b"c", b""]]),
        array([["a", "b"], ["", ""], ["c", ""]], "U1"),
        rows([["a", "b"], [], "c"]),
        rows([["a", "b"], None, ["c", ""]]),
    ],
}
MEANT = {"user": ([7, 9], [0, 1, 1, 2]), "genres": (["a", "b", "c"], [0, 2, 2, 3])}


@pytest.mark.parametrize(("name", "column"), [(n, c) for n, ways in WAYS.items() for c in ways])
def test_every_way_gives_the_same_ids(name, column):
    values, splits = MEANT[name]
    found = to_batch(SCHEMA, {name: column}).sparse[name]
    assert found.fids.tolist() == to_fids(SCHEMA[name], np.array(values, object)).tolist()
    assert found.row_splits.tolist() == splits


@pytest.mark.parametrize(
    "column", [array([[1, 2], [3, 4]], "f8"), array([[1, 2], [3, 4]], "i8"), rows([[1, 2], [3, 4]])]
)
def test_numbers_come_as_rows_of_float32(column):
    dense = to_batch(SCHEMA, {"age": column}).dense["age"]
    assert dense.tolist() == [[1, 2], [3, 4]]
    assert dense.dtype == np.float32


def test_missing_feature_is_empty():
    batch = to_batch(SCHEMA, {"user": rows([1, 2])})
    assert len(batch) == 2
    assert batch.sparse["genres"].lengths.tolist() == [0, 0]
    assert batch.dense["age"].tolist() == [[0, 0], [0, 0]]


def test_row_without_numbers_is_zeros():
    batch = to_batch(SCHEMA, {"age": rows([[1, 2], None, [3, 4]])})
    assert batch.dense["age"].tolist() == [[1, 2], [0, 0], [3, 4]]


@pytest.mark.parametrize("column", [array([], "i8"), rows([])])
def test_no_rows_are_a_batch_of_none(column):
    assert len(to_batch(SCHEMA, {"user": column})) == 0


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({}, "the request has no inputs: the model takes user, genres, age"),
        ({"usr": rows([1])}, "unknown input 'usr' (did you mean 'user'?): the model takes user, genres, age"),
        ({"user": rows([1]), "age": rows([[1, 2]] * 2)}, "input 'age' has 2 rows, but input 'user' has 1"),
        ({"user": rows([1, [2, 3]])}, "input 'user' takes one value a row, and row 1 has 2"),
        ({"user": rows(["x"])}, "input 'user': feature 'user' is declared integer"),
        ({"user": rows([1.5])}, "input 'user': feature 'user' is declared integer"),
        ({"genres": rows([["a", 3]])}, "input 'genres' takes text, not 3"),
        ({"genres": array([3], "i8")}, "input 'genres' takes text, not 3"),
        ({"age": rows([[1, 2], 3])}, "input 'age' takes 2 numbers a row, and row 1 has 1"),
        ({"age": rows([["x", "y"]])}, "input 'age' takes numbers: could not convert string to float"),
    ],
)
def test_refusal_names_the_input(columns, told):
    with pytest.raises(InvalidRequest) as caught:
        to_batch(SCHEMA, columns)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: rows([{"b64": "eA=="}]), "input 'it' has {'b64': 'eA=='}, neither text nor a number"),
        (lambda: rows([True]), "input 'it' has True, neither text nor a number"),
        (lambda: array([b"\xff"]), "input 'it' has text that is not UTF-8: b'\\xff'"),
        (lambda: array([[[1]]], "i8"), "input 'it' has shape (1, 1, 1): give [batch] or [batch, n]"),
        (lambda: array(1, "i8"), "input 'it' has shape (): give [batch] or [batch, n]"),
    ],
)
def test_a_column_that_cannot_be_is_refused(make, told):
    with pytest.raises(InvalidRequest) as caught:
        make()
    assert str(caught.value) == told
