"""Structures of tensors: apart and together again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from monolith.core.batch import Ragged
from monolith.core.errors import DataError
from monolith.core.nested import RaggedToken, Token, fill, flatten, template

ARRAYS = arrays(
    st.sampled_from(["i8", "f4", "?", "S3"]), array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=2)
)
RAGGED = st.integers(0, 3).map(lambda n: Ragged(np.arange(n), np.array([0, 0, n])))
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
NESTED = st.recursive(
    ARRAYS | RAGGED | PLAIN,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
)


def same(one, other):
    """Whether two structures are alike, their tensors by identity."""
    if isinstance(one, np.ndarray):
        return one is other
    if isinstance(one, Ragged):
        return one.fids is other.fids and one.row_splits is other.row_splits
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and all(map(same, one, other)) and len(one) == len(other)
    return one == other


@given(NESTED)
def test_apart_and_together_is_the_same(nested):
    assert same(fill(template(nested), flatten(nested)), nested)


@given(NESTED, st.randoms())
def test_the_order_of_keys_does_not_count(nested, dice):
    shuffled = nested
    if isinstance(nested, dict):
        shuffled = dict(dice.sample(list(nested.items()), len(nested)))
    assert list(map(id, flatten(shuffled))) == list(map(id, flatten(nested)))
    assert template(shuffled) == template(nested)


def test_tokens_are_numbered_in_order():
    ragged = Ragged(np.array([7]), np.array([0, 1]))
    one, two = np.zeros(1), np.ones((2, 2))
    nested = {"b": [ragged, two, "kept"], "a": {"y": None, "x": one}}
    assert template(nested) == {
        "a": {"x": Token(0), "y": None},
        "b": [RaggedToken(Token(2), Token(3)), Token(1), "kept"],
    }
    assert [id(t) for t in flatten(nested)] == [id(t) for t in (one, two, ragged.fids, ragged.row_splits)]


@pytest.mark.parametrize("index", [-1, 2, 9])
def test_a_token_without_a_tensor(index):
    with pytest.raises(DataError, match=f"token {index} has no tensor: there are 2"):
        fill(["x", Token(index)], [np.zeros(1)] * 2)


@pytest.mark.parametrize(
    ("nested", "said"),
    [
        ({1, 2}, r"cannot hold set \{1, 2\}"),
        ([b"raw"], "cannot hold bytes"),
        ({"a": {3: 1}}, "has the key 3: keys must be text"),
    ],
)
def test_what_has_no_place(nested, said):
    for take_apart in (flatten, template):
        with pytest.raises(DataError, match=said):
            take_apart(nested)
