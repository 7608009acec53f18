"""Unseen rows: the same whoever comes first, where they belong, and spread over their range."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.table.config import Constants, RandomUniform, Segment, Sgd, TableConfig, Zeros
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


@pytest.mark.parametrize(
    "bounds", [(1.0, np.nextafter(np.float32(1), np.float32(2))), (3.0, 3.0), (-1e-38, 1e-38)]
)
def test_upper_bound_is_never_drawn(bounds):
    low, high = map(float, bounds)
    rows, _ = Table(TableConfig((Segment(4, RandomUniform(low, high)),))).find_or_insert(np.arange(1000))
    assert rows.min() >= np.float32(low)
    assert rows.max() < high or low == high == rows.max()
