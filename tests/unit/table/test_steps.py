"""What is judged before a step: shapes and rates elsewhere, here gradients that are no numbers."""

from typing import get_args

import numpy as np
import pytest

from monolith.config.bad_gradients import BadGradients
from monolith.core.errors import ConfigError, GradientNotFinite
from monolith.core.fids import make_fid
from monolith.table.config import Constants, Dc, Segment, Sgd, TableConfig
from monolith.table.optimizer_config import Plain, squares
from monolith.table.steps import CLIPPED, SQUARED, Step
from monolith.table.table import Table

FIDS = np.array([5, 6, 7])
CONFIG = TableConfig((Segment(1, Constants(1.0), Sgd(1.0)), Segment(1, Constants(1.0), Dc(Sgd(1.0), 1.0))))


def taught(bad, value, *, latest=None):
    table = Table(CONFIG, bad_gradients=bad)
    table.apply(FIDS, np.array([[0.5, 0.5], [0.5, value], [0.5, 0.5]]), latest=latest)
    return table.find(FIDS)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_refused_with_the_id(value):
    table = Table(CONFIG)
    with pytest.raises(GradientNotFinite, match=f"fid 6 in column 1 of a table is {value}, so all") as told:
        table.apply(FIDS, np.array([[0.5, 0.5], [0.5, value], [value, 0.5]]))
    assert (told.value.fid, len(table)) == (6, 0)


@pytest.mark.parametrize("change", [Table.assign, Table.assign_add])
@pytest.mark.parametrize(("bad", "expected"), [(BadGradients.SKIP, 0.0), (BadGradients.CLIP, CLIPPED)])
def test_values_are_judged_like_gradients(change, bad, expected):
    rows = np.array([[0.5, 0.5], [np.inf, 0.5], [0.5, 0.5]])
    with pytest.raises(GradientNotFinite, match="fid 6 in column 0 of a table is inf"):
        change(Table(CONFIG), FIDS, rows)
    table = Table(TableConfig((Segment(2, Constants(0.0)),)), bad_gradients=bad)
    change(table, FIDS, rows)
    assert table.find(FIDS)[0][:, 0].tolist() == [0.5, expected, 0.5]
    assert table.stats().usage.not_finite == 1


@pytest.mark.parametrize("latest", [None, np.ones((3, 2))])
def test_skipped_ids_are_left_out(latest):
    rows, found = taught(BadGradients.SKIP, np.nan, latest=latest)
    assert found.tolist() == [True, False, True]
    assert rows[[0, 2]].tolist() == [[0.5, 0.5]] * 2


@pytest.mark.parametrize(("value", "counts_as"), [(np.nan, 0.0), (np.inf, CLIPPED), (-np.inf, -CLIPPED)])
def test_clipped_values_are_numbers(value, counts_as):
    rows, _ = taught(BadGradients.CLIP, value)
    assert rows.tolist() == [[0.5, 0.5], [0.5, 1.0 - counts_as], [0.5, 0.5]]


@pytest.mark.parametrize("bad", [BadGradients.SKIP, BadGradients.CLIP])
def test_what_was_not_finite_is_counted_once_it_is_made(bad):
    table, fids = Table(CONFIG, bad_gradients=bad), np.array([make_fid(3, 1), make_fid(4, 1), make_fid(4, 2)])
    step = table.judge(Step(fids, np.array([[0.5, 0.5], [np.nan, np.inf], [0.5, np.inf]])))
    assert table.stats().usage.not_finite == 0
    table.take(step)
    told = table.stats()
    assert (told.usage.not_finite, told.slots[4].not_finite) == (2, 2)


@pytest.mark.parametrize("bad", BadGradients)
def test_the_largest_number_is_a_number(bad):
    rows, _ = taught(bad, np.finfo(np.float32).max)
    assert rows[1, 1] == -np.finfo(np.float32).max


@pytest.mark.parametrize("kind", [one for one in get_args(Plain) if squares(one())])
@pytest.mark.parametrize("value", [2.0**56, -1e25, np.finfo(np.float32).max])
def test_what_is_squared_may_not_be_as_good_as_infinite(kind, value):
    """Upstream takes it, and the row becomes NaN, now or with its next gradient."""
    fids, config = np.array([6]), TableConfig([Segment(2, Constants(1.0), kind())])
    with pytest.raises(GradientNotFinite, match="the gradient of fid 6 in column 1 of a table is"):
        Table(config).apply(fids, np.array([[0.5, value]]))
    clipped, told = Table(config, bad_gradients=BadGradients.CLIP), Table(config)
    clipped.apply(fids, np.array([[0.5, value]]))
    told.apply(fids, np.array([[0.5, np.copysign(CLIPPED, value)]]))
    assert clipped.find(fids)[0].tolist() == told.find(fids)[0].tolist()


@pytest.mark.parametrize("kind", get_args(Plain))
def test_no_gradient_that_is_taken_makes_a_row_nan(kind):
    """However many of the largest come, and after them of the usual ones."""
    largest = np.nextafter(SQUARED, np.float32(0))
    table, fids = Table(TableConfig([Segment(1, Constants(1.0), kind())])), np.array([6])
    for step, grad in enumerate([largest] * 100 + [-largest] * 100 + [1.0] * 100):
        table.apply(fids, np.array([[grad]]), step=step)
    assert np.isfinite(table.find(fids)[0]).all()


@pytest.mark.parametrize("step", [-1, 1.5, np.nan, "1", None, 2**63])
def test_impossible_steps_are_refused(step):
    with pytest.raises(ConfigError) as told:
        Table(CONFIG).apply(FIDS, np.ones((3, 2)), step=step)
    assert str(told.value) == f"step {step!r} of a table: must be a whole number >= 0 that int64 can hold"


@pytest.mark.parametrize("rate", [-0.1, np.nan, np.inf, 1e39])
def test_impossible_rates_are_refused(rate):
    with pytest.raises(ConfigError, match=r"^learning rate .* of a table: must be a number >= 0"):
        Table(CONFIG).apply(FIDS, np.ones((3, 2)), learning_rates=[rate])


@pytest.mark.parametrize("times", [1.5, "7", [1.0, 2.0, 3.0], {"t": 1}])
def test_times_are_whole_numbers(times):
    with pytest.raises(ConfigError, match=r"^times of a table of .*: must be whole numbers"):
        Table(CONFIG).apply(FIDS, np.ones((3, 2)), times=times)


def test_what_float32_cannot_hold_is_infinite():
    with pytest.raises(GradientNotFinite, match="is inf"):
        Table(CONFIG).apply(FIDS, np.full((3, 2), 1e300))


@pytest.mark.parametrize("seed", [1.5, np.nan, "1", None])
def test_seeds_are_whole_numbers(seed):
    with pytest.raises(ConfigError, match=f"^seed {seed!r}: must be a whole number"):
        Table(CONFIG, seed=seed)


@pytest.mark.parametrize("rates", [0.1, None, ["0.1"], "1", {"t": [0.1]}, [[0.1], [0.2]]])
def test_rates_are_a_sequence_of_numbers(rates):
    table = Table(CONFIG)
    with pytest.raises(ConfigError) as told:
        table.apply(FIDS, np.ones((3, 2)), learning_rates=rates)
    said = f"learning rates {rates!r} of a table: must be a sequence of numbers, such as [0.1]"
    assert (str(told.value), len(table)) == (said, 0)


@pytest.mark.parametrize("rates", [[0.5], (0.5, 0.5), np.full(2, 0.5, np.float32)])
def test_any_sequence_of_rates_will_do(rates):
    table = Table(CONFIG)
    table.apply(FIDS, np.ones((3, 2)), learning_rates=rates)
    assert table.find(FIDS)[0].tolist() == [[0.5, 0.5]] * 3
