"""Unseen rows: the same whoever comes first, where they belong, and spread over their range."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.table.config import (
    Constants,
    Ones,
    RandomNormal,
    RandomUniform,
    Segment,
    Sgd,
    TableConfig,
    TruncatedNormal,
    XavierNormal,
    XavierUniform,
    Zeros,
)
from monolith.table.table import Table
from tests.unit.table import reference
from tests.upstream import by_name

fids = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20, unique=True)


@given(fids, st.integers(0, 2**70), st.randoms())
def test_start_depends_on_seed_fid_column(ids, seed, random):
    config = TableConfig((Segment(1, Constants(0.5)), Segment(2), Segment(1, Zeros(), Sgd())))
    shuffled = random.sample(ids, len(ids))
    table = Table(config, seed=seed)
    for fid in shuffled:
        table.find_or_insert(np.array([fid]))
    rows, _ = table.find(np.array(ids))
    drawn = [[reference.uniform(seed, fid, column, -0.05, 0.05) for column in (1, 2)] for fid in ids]
    np.testing.assert_allclose(rows[:, 1:3], drawn, atol=1e-7)
    assert set(rows[:, 0]) == {0.5}
    assert set(rows[:, 3]) == {0}


def test_draws_fill_the_range_evenly():
    given_ = by_name("initializer")["random_uniform_range"]["given"]
    initializer = RandomUniform(given_["minval"], given_["maxval"])
    rows, _ = Table(TableConfig((Segment(given_["dim"], initializer),))).find_or_insert(np.arange(100))
    counts, _ = np.histogram(rows, bins=20, range=(given_["minval"], given_["maxval"]))
    assert counts.sum() == rows.size
    assert abs(counts / 5000 - 1).max() < 0.1  # five standard deviations are 0.07
    assert abs(np.corrcoef(rows)[0, 1:]).max() < 0.2
    assert abs(np.corrcoef(rows.T)[0, 1:]).max() < 0.6


NORMAL = {
    RandomNormal(0.5, 2.0): (0.5, 2.0, 7),
    TruncatedNormal(0.5, 2.0): (0.5, 2.0, 2),
    XavierNormal(3.0): (0.0, 3 * math.sqrt(2 / 4), 7),
}


@pytest.mark.parametrize("initializer", NORMAL)
@given(fids)
def test_normal_draws_are_box_and_mullers(initializer, ids):
    mean, std, farthest = NORMAL[initializer]
    rows, _ = Table(TableConfig((Segment(3, initializer),)), seed=5).find_or_insert(np.array(ids))
    drawn = [[mean + std * reference.normal(5, fid, column, farthest) for column in range(3)] for fid in ids]
    np.testing.assert_allclose(rows, drawn, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("initializer", NORMAL)
def test_normal_draws_are_normal(initializer):
    mean, std, farthest = NORMAL[initializer]
    rows, _ = Table(TableConfig((Segment(3, initializer),))).find_or_insert(np.arange(20000))
    z = (rows - mean) / std
    assert abs(z.mean()) < 0.02  # five standard deviations
    assert abs(z).max() <= farthest + 1e-6
    shares = [np.mean(abs(z) < bound) / math.erf(bound / math.sqrt(2)) for bound in (0.5, 1, 1.5)]
    np.testing.assert_allclose(shares, 1 / math.erf(farthest / math.sqrt(2)), atol=0.03)


@pytest.mark.parametrize("dim", [1, 5])
def test_xavier_depends_on_the_dim(dim):
    rows, _ = Table(TableConfig((Segment(dim, XavierUniform(2.0)),))).find_or_insert(np.arange(5000))
    edge = 2 * math.sqrt(6 / (1 + dim))
    assert 0.99 * edge < abs(rows).max() <= edge


def test_ones():
    rows, _ = Table(TableConfig((Segment(2, Ones()),))).find_or_insert(np.arange(3))
    assert np.all(rows == 1)


@pytest.mark.parametrize(
    "bounds", [(1.0, np.nextafter(np.float32(1), np.float32(2))), (3.0, 3.0), (-1e-38, 1e-38)]
)
def test_upper_bound_is_never_drawn(bounds):
    low, high = map(float, bounds)
    rows, _ = Table(TableConfig((Segment(4, RandomUniform(low, high)),))).find_or_insert(np.arange(1000))
    assert rows.min() >= np.float32(low)
    assert rows.max() < high or low == high == rows.max()
