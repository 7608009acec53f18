"""How good each replica is and how far behind, over time: one picture of all runs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

mpl.use("agg")
from matplotlib import pyplot as plt

from .windows import Runs, Values, Window, names, seconds, series, trailing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRAINER = "trainer"
COLOURS = {TRAINER: "black", "1 s": "tab:blue", "30 s": "tab:orange", "never": "tab:red"}
LABELS = {TRAINER: "the job itself", "never": "never updated"}
SMOOTHED_S = 30.0
POINTS = 300  # of a curve
NEAR_S = 0.1  # staleness below is drawn there


def draw(runs: Runs, path: Path) -> None:
    """AUC above: a line is the mean of the runs, a band goes from the least to the most. Below, how far
    behind the rows were in the first run: the moments of pushing differ from run to run.
    """
    figure, (above, below) = plt.subplots(
        2, figsize=(7, 5), layout="constrained", sharex=True, height_ratios=(3, 2)
    )
    for name in names(runs[0]):
        colour, label = COLOURS.get(name), LABELS.get(name, f"pushed to every {name}")
        _curve(above, [_auc(run, name) for run in runs], colour, label)
        if name != TRAINER:
            stale = series(runs[0], name, "staleness_s").clip(NEAR_S)
            below.plot(seconds(runs[0]) / 60, stale, ".-", color=colour, linewidth=0.8, markersize=3)
    above.set(ylabel=f"AUC before learning,\nlast {SMOOTHED_S:.0f} s")
    below.set(ylabel="rows are behind by, s", xlabel="minutes of streaming", yscale="log")
    for axes in (above, below):
        axes.grid(alpha=0.3)
    above.legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _auc(run: Sequence[Window], name: str) -> tuple[Values, Values]:
    times = seconds(run)
    auc, examples = (series(run, name, figure) for figure in ("auc", "examples"))
    return times, trailing(auc, examples, times, SMOOTHED_S)


def _curve(axes: Axes, curves: Sequence[tuple[Values, Values]], colour: str | None, label: str) -> None:
    """Several runs as one line with a band, for as long as all of them lasted."""
    grid = np.linspace(0, min(times[-1] for times, _ in curves), POINTS)
    each = np.stack([_between(grid, times, values) for times, values in curves])
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # where no run knows: nan
        low, middle, high = np.nanmin(each, 0), np.nanmean(each, 0), np.nanmax(each, 0)
    axes.fill_between(grid / 60, low, high, alpha=0.2, color=colour, linewidth=0)
    axes.plot(grid / 60, middle, color=colour, label=label, linewidth=1.2)


def _between(grid: Values, times: Values, values: Values) -> Values:
    known = ~np.isnan(values)
    if not known.any():
        return np.full_like(grid, np.nan)
    return np.interp(grid, times[known], values[known], right=np.nan)
