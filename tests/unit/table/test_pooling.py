"""Pooling against a loop over examples, and its way back as the transpose of its way there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import ConfigError, DimensionMismatch
from monolith.table.dedup import dedup
from monolith.table.pooling import Combiner, pool, unpool
from tests.upstream import by_name

VECTORS = by_name("combiner")


@st.composite
def problems(draw):
    """rows (U, dim), inverse (V,), row_splits (B + 1,), max_length."""
    lengths = draw(st.lists(st.integers(0, 4), max_size=6))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = generator.normal(size=(5, draw(st.integers(1, 9)))).astype(np.float32)
    inverse = generator.integers(0, 5, sum(lengths))
    return rows, inverse, np.cumsum([0, *lengths]), draw(st.integers(1, 5))


def by_hand(values: np.ndarray, combiner: Combiner, max_length: int) -> np.ndarray:
    if combiner is Combiner.FIRST_N:
        return np.vstack([values[:max_length], np.zeros((max_length, values.shape[1]))])[:max_length]
    count = max(len(values), 1)
    divisor = {Combiner.SUM: 1, Combiner.MEAN: count, Combiner.SQRTN: count**0.5}[combiner]
    return values.sum(axis=0) / divisor


@given(problems(), st.sampled_from(Combiner))
def test_pool_is_the_loop_over_examples(problem, combiner):
    rows, inverse, splits, max_length = problem
    pooled = pool(rows, inverse, splits, combiner, max_length)
    assert pooled.dtype == np.float32
    assert len(pooled) == len(splits) - 1
    for example, begin, end in zip(pooled, splits[:-1], splits[1:], strict=True):
        np.testing.assert_allclose(
            example, by_hand(rows[inverse[begin:end]], combiner, max_length), atol=1e-5
        )


@given(problems(), st.sampled_from(Combiner))
def test_unpool_is_the_transpose_of_pool(problem, combiner):
    """<grad, pool(rows)> = <unpool(grad), rows>, and gradients are added to what is there."""
    rows, inverse, splits, max_length = problem
    pooled = pool(rows, inverse, splits, combiner, max_length)
    grad = np.random.default_rng(1).normal(size=pooled.shape)
    into = np.ones_like(rows)
    unpool(grad, inverse, splits, combiner, max_length, into)
    np.testing.assert_allclose(np.sum(grad * pooled), np.sum((into - 1) * rows), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("combiner", Combiner)
def test_names_lists_and_halves_will_do(combiner):
    rows, inverse, splits = [[1.0], [2.0]], [1, 0, 1], [0, 2, 3]
    expected = pool(np.float32(rows), np.array(inverse), np.array(splits), combiner, 3)
    for told in (rows, np.float16(rows)):
        np.testing.assert_array_equal(pool(told, inverse, splits, str(combiner), 3), expected)


def test_unknown_combiners_are_refused():
    with pytest.raises(ConfigError, match="combiner='max': must be one of: sum, mean, sqrtn, first_n"):
        pool(np.ones((1, 1)), [0], [0, 1], "max")


BAD = [([2], [0, 1], "row 2, of 2"), ([-1], [0, 1], "row -1, of 2")]
BAD += [([0], splits, "from 0 to 1") for splits in ([0, 2], [1, 1], [0, 2, 1], [])]
BAD += [([0, 1], [0, 1], "from 0 to 2")]


@pytest.mark.parametrize(("inverse", "splits", "said"), BAD)
@pytest.mark.parametrize("combiner", [Combiner.SUM, Combiner.FIRST_N])
def test_rows_that_are_not_there_are_refused(inverse, splits, said, combiner):
    grad, rows = np.ones((max(len(splits) - 1, 0), 1)), np.ones((2, 1), np.float32)
    for call in (
        lambda: pool(rows, inverse, splits, combiner, 1),
        lambda: unpool(grad, inverse, splits, combiner, 1, rows),
    ):
        with pytest.raises(ConfigError, match=said):
            call()


@pytest.mark.parametrize("rows", [np.ones(2), [[1.0], [1.0, 2.0]], [["a"], ["b"]]])
def test_what_is_no_row_is_not_pooled(rows):
    with pytest.raises(ConfigError, match=r"^rows of .*: must be"):
        pool(rows, [0, 1], [0, 2], Combiner.SUM)


@pytest.mark.parametrize("length", [0, -1, 2.5, "2", None])
def test_impossible_lengths_are_refused(length):
    with pytest.raises(ConfigError) as refusal:
        pool(np.ones((2, 1)), [0, 1], [0, 2], Combiner.FIRST_N, length)
    assert str(refusal.value) == f"max_length={length!r}: first_n must keep at least 1 value, a whole number"


def test_gradients_of_another_size_are_refused():
    with pytest.raises(DimensionMismatch):
        unpool(np.ones((1, 3)), [0], [0, 1], Combiner.SUM, 0, np.ones((1, 2), np.float32))


def test_sum_is_upstreams():
    given_ = VECTORS["reduce_sum"]["given"]
    rows = np.array(given_["embeddings"], np.float32)
    pooled = pool(rows, np.arange(3), np.cumsum([0, *given_["row_lengths"]]), Combiner.SUM)
    assert pooled.tolist() == VECTORS["reduce_sum"]["expect"]["out"]


def test_first_n_has_upstreams_shape():
    given_ = VECTORS["first_n_shape_unknown_batch"]["given"]
    rows, splits = np.ones((3, given_["embedding_dim"]), np.float32), np.array([0, 3, 3])
    pooled = pool(rows, np.arange(3), splits, Combiner.FIRST_N, given_["n"])
    assert list(pooled.shape[1:]) == VECTORS["first_n_shape_unknown_batch"]["expect"]["shape"][1:]


OPS = by_name("distribution_ops")


@pytest.mark.parametrize("combiner", [Combiner.SUM, Combiner.MEAN])
def test_pool_reduces_as_upstream(combiner):
    vector = OPS[{Combiner.SUM: "reduce_sum", Combiner.MEAN: "reduce_mean"}[combiner]]
    rows = np.array(vector["given"]["values"], np.float32)
    splits = np.searchsorted(vector["given"]["row_ids"], range(vector["given"]["rows"] + 1))
    assert pool(rows, np.arange(len(rows)), splits, combiner).tolist() == vector["expect"]["out"]


def test_sums_of_all_segments_have_one_gradient():
    vector = OPS["fused_reduce_sum_and_split_gradient"]
    row_ids, dim = vector["given"]["row_ids"], sum(vector["given"]["split"])
    splits, into = np.searchsorted(row_ids, range(3)), np.zeros((3, dim), np.float32)
    unpool(np.ones((2, dim)), np.arange(3), splits, Combiner.SUM, 0, into)
    assert into.tolist() == vector["expect"]["grad"]


def test_rows_are_gathered_wherever_they_lie():
    """Rows of two widths in one array, found by their offsets: what upstream's fused lookup answers with."""
    given_ = OPS["fused_gather_embeddings"]["given"]
    flat = np.array(given_["fused_embeddings"], np.float32)
    every = zip(given_["embedding_dims"], given_["offsets"], strict=True)
    for (dim, offsets), expected in zip(every, OPS["fused_gather_embeddings"]["expect"]["out"], strict=True):
        unique, inverse = dedup(offsets)
        rows = flat[unique[:, None] + np.arange(dim)]
        gathered = pool(rows, inverse, np.arange(len(offsets) + 1), Combiner.SUM)
        np.testing.assert_array_equal(gathered, np.float32(expected))


def test_gradients_gather_on_the_rows_that_took_part():
    vector = OPS["gather_embeddings_gradient"]
    ids, asked = vector["given"]["ids"], np.ravel(vector["given"]["input"])
    into = np.zeros((len(ids), 2), np.float32)
    unpool(-np.ones((3, 2)), np.searchsorted(ids, asked), np.arange(4), Combiner.SUM, 0, into)
    assert into.tolist() == vector["expect"]["grad"]
