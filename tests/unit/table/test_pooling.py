"""Pooling against a loop over examples, and its way back as the transpose of its way there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import ConfigError
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


def test_first_n_must_keep_something():
    with pytest.raises(ConfigError, match="max_length=0"):
        pool(np.ones((1, 1), np.float32), np.array([0]), np.array([0, 1]), Combiner.FIRST_N)


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
