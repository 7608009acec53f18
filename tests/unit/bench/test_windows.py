"""Windows of a progressive evaluation, and the picture of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.harness.windows import margin, mean, median, names, over, seconds, series, total, trailing


def window(time: float, examples: int = 100, **aucs: float | None) -> dict[str, Any]:
    """As a job writes it, each replica 5 s behind."""
    told = {"examples": examples, "logloss": 0.5, "calibration": 1.0, "staleness_s": 5.0, "missed": 2}
    return {"time": time, "figures": {name: {"auc": auc, **told} for name, auc in aucs.items()}}


RUN = [window(10, 100, fresh=0.8, old=0.6), window(15, 300, fresh=0.9, old=None), window(21, 0, fresh=None)]


def test_a_figure_is_told_by_windows() -> None:
    assert names(RUN) == ["fresh", "old"]
    assert seconds(RUN).tolist() == [0, 5, 11]
    np.testing.assert_array_equal(series(RUN, "old", "auc"), [0.6, math.nan, math.nan])


def test_a_window_weighs_as_many_examples() -> None:
    assert mean(RUN, "fresh", "auc") == pytest.approx((0.8 + 3 * 0.9) / 4)
    assert mean(RUN, "old", "auc") == pytest.approx(0.6)
    assert math.isnan(mean(RUN, "nobody", "auc"))
    assert (median(RUN, "old", "staleness_s"), total(RUN, "old", "missed")) == (5, 4)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 99), st.floats(0.5, 9)), min_size=1, max_size=20))
def test_smoothing_is_a_weighted_mean(rows: list[tuple[float, int, float]]) -> None:
    values, weights, gaps = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    times = np.cumsum(gaps)
    for at, smooth in enumerate(trailing(values, weights, times, 12.0)):
        last = (times > times[at] - 12) & (times <= times[at])
        assert smooth == pytest.approx(np.average(values[last], weights=weights[last]))


def test_what_nobody_knows_counts_nowhere() -> None:
    values, ones = np.array([math.nan, 0.5, math.nan]), np.ones(3)
    smooth = trailing(values, ones, np.array([0.0, 5.0, 90.0]), 30.0)
    np.testing.assert_array_equal(smooth, [math.nan, 0.5, math.nan])


def test_a_margin_is_that_of_the_worst_seed() -> None:
    runs = [[window(0, fresh=0.90, old=0.80)], [window(0, fresh=0.93, old=0.81)]]
    assert list(margin(runs, "fresh", "old")) == pytest.approx([0.10, 0.03])
    assert over(runs, mean, "fresh", "auc") == pytest.approx(0.915)


def test_runs_of_different_lengths_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from bench.harness.online_picture import draw

    draw([RUN, RUN[:1]], tmp_path / "online.png")
    assert (tmp_path / "online.png").read_bytes().startswith(b"\x89PNG")
