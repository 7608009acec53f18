"""The wrappers: what they compensate for, and how they round."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import ConfigError
from monolith.table.config import Constants, Dc, Segment, Sgd, StochasticRoundingFloat16, TableConfig, Zeros
from monolith.table.optimizer_config import plain
from monolith.table.table import Table
from tests.upstream import by_name

FIDS = np.arange(4000)


def rounded(value, fids=FIDS, *, seed=0, step=0):
    config = TableConfig((Segment(2, Zeros(), StochasticRoundingFloat16(Sgd(1.0))),))
    table = Table(config, seed=seed)
    table.apply(fids, np.full((len(fids), 2), -value, np.float32), step=step)
    return table.find(fids)[0]


@given(st.floats(-70000, 70000, width=32))
def test_rounds_to_a_half_beside_it(value):
    half = np.float16(np.clip(value, -65504, 65504))
    beside = [float(np.nextafter(half, np.float16(to))) for to in (-65504, 65504)]
    found = rounded(value, FIDS[:50])
    assert np.array_equal(found, found.astype(np.float16))
    assert {*np.unique(found).tolist()} <= {float(half), *beside}
    assert np.all(np.sign(found) * np.sign(value) >= 0)


@pytest.mark.parametrize("value", [0.3, -2.0001, 3e-6, 1000.1, 2.0**-24 / 3])
def test_rounds_right_on_average(value):
    found = rounded(value).astype(np.float64)
    spread = np.ptp(found)
    assert spread > 0
    assert abs(found.mean() - np.float32(value)) < spread * 0.03  # six standard deviations


def test_halves_stay_as_they_are():
    assert np.all(rounded(0.5) == 0.5)


@pytest.mark.parametrize("changed", [{"seed": 1}, {"step": 1}])
def test_draws_belong_to_seed_and_step(changed):
    assert np.array_equal(rounded(0.3), rounded(0.3, FIDS[::-1])[::-1])
    assert not np.array_equal(rounded(0.3), rounded(0.3, **changed))


def test_flag_makes_another_optimizer():
    vector = by_name("optimizer")["stochastic_rounding_flag_wraps_optimizer"]
    assert vector["expect"]["different_implementation_than_flag_false"]
    assert StochasticRoundingFloat16(Sgd()) != Sgd()
    assert plain(StochasticRoundingFloat16(Dc(Sgd()))) == Sgd()


@pytest.mark.parametrize("latest", [None, 0.5])
def test_nothing_to_compensate_for(latest):
    """Gradients of the values that are there now are taken as they are."""
    table = Table(TableConfig((Segment(1, Constants(0.5), Dc(Sgd(1.0), 0.9)),)))
    known = None if latest is None else np.array([[latest]])
    table.apply(np.array([1]), np.array([[0.25]]), latest=known)
    assert table.find(np.array([1]))[0] == 0.25


@pytest.mark.parametrize("wrap", [Dc, StochasticRoundingFloat16])
def test_a_wrapper_within_itself_is_refused(wrap):
    with pytest.raises(ConfigError, match="within itself"):
        wrap(Dc(StochasticRoundingFloat16(Sgd())) if wrap is Dc else wrap(Sgd()))
