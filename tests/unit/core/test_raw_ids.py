"""What raw values become."""

from __future__ import annotations

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import SchemaError
from monolith.core.fids import VALUE_MASK, make_fid, value_of
from monolith.core.raw_ids import hash48, to_fids, to_ragged
from monolith.core.schema import Feature
from tests.unit.core.test_fids import words

INTEGER = Feature(name="user", kind="integer", slot=3)
STRING = Feature(name="city", kind="string", slot=4)
MANY = Feature(name="tags", kind="string", slot=5, many=True)


@given(st.lists(words))
def test_integers_stay_or_are_hashed(values):
    expected = [v if 0 <= v <= VALUE_MASK else hash48(v) for v in values]
    for raw in (np.array(values, object), np.array([str(v) for v in values], object)):
        assert value_of(to_fids(INTEGER, raw)).tolist() == expected


def test_hashes_are_xxh64():
    assert hash48("Köln") == xxhash.xxh64_intdigest("Köln".encode(), seed=0) & VALUE_MASK
    assert hash48(-1) == xxhash.xxh64_intdigest(b"\xff" * 8) & VALUE_MASK


@pytest.mark.parametrize("values", [["a", "b", "a"], [1, 2, 1], [1.5, 2.5, 1.5]])
def test_text_is_what_it_prints_as(values):
    expected = [make_fid(4, hash48(str(v))) for v in values]
    assert to_fids(STRING, values).tolist() == expected


@pytest.mark.parametrize("value", ["x", "1.5", 1.5, None, float("inf"), 1 << 64])
def test_what_is_no_integer_is_named(value):
    with pytest.raises(SchemaError, match=r"'user' is declared integer.*" + repr(value)):
        to_fids(INTEGER, np.array([7, value], object))


def test_missing_values_have_no_id():
    ragged = to_ragged(STRING, np.array(["a", None, "", float("nan"), "b"], object))
    assert ragged.row_splits.tolist() == [0, 1, 1, 1, 1, 2]
    assert ragged.fids.tolist() == [make_fid(4, hash48("a")), make_fid(4, hash48("b"))]


def test_a_gap_among_floats_is_no_id():
    ragged = to_ragged(INTEGER, np.array([1.0, np.nan, 3.0]))
    assert (value_of(ragged.fids).tolist(), ragged.row_splits.tolist()) == ([1, 3], [0, 1, 1, 2])


def test_text_is_split_at_separators():
    ragged = to_ragged(MANY, np.array(["x|y", "", "y", "||", None], object))
    assert ragged.row_splits.tolist() == [0, 2, 2, 3, 3, 3]
    assert value_of(ragged.fids).tolist() == [hash48("x"), hash48("y"), hash48("y")]


def test_lists_are_taken_as_they_are():
    listed = np.fromiter([["x", "y"], [], [None, "y|z", ""]], object, 3)
    ragged = to_ragged(MANY, listed)
    assert ragged.row_splits.tolist() == [0, 2, 2, 3]
    assert value_of(ragged.fids).tolist() == [hash48("x"), hash48("y"), hash48("y|z")]
    with pytest.raises(SchemaError, match="'city' takes one value a row"):
        to_ragged(STRING, listed)


def test_known_text_has_known_ids():
    """Ids are stored in datasets and checkpoints: what a text becomes may never change."""
    known = {"": 241030642854297, "a": 216542210715227, "monolith": 38832311764803, 1 << 48: 203121607936167}
    assert {value: hash48(value) for value in known} == known
