"""What a progressive evaluation told, window by window: joined, smoothed, summed up.

A window is what the workers of a job read between two meetings: about 5 s of a stream. Each has the figures
of all replicas for the same examples, so replicas are compared pair by pair, whatever the examples are like.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Window = Mapping[str, Any]  # a line of progressive.jsonl
Runs = Sequence[Sequence[Window]]
Values = NDArray[np.float64]


def series(windows: Iterable[Window], name: str, figure: str) -> Values:
    """One figure of one replica in each window; nan where nobody knows."""
    told = [window["figures"].get(name, {}).get(figure) for window in windows]
    return np.array([math.nan if value is None else value for value in told], np.float64)


def seconds(windows: Sequence[Window]) -> Values:
    """When each window ended, after the first."""
    times = np.array([window["time"] for window in windows], np.float64)
    return times - times[:1]


def trailing(values: Values, weights: Values, times: Values, span: float) -> Values:
    """At each of `times`, which ascend, the weighted mean over the last `span` seconds; nan counts nowhere.

    Of AUCs it is the mean over windows, not the AUC of all their examples together.
    """
    known = np.where(np.isnan(values), 0.0, weights)
    sums = _sums(known * np.nan_to_num(values)), _sums(known)
    first = np.searchsorted(times, times - span, side="right")
    above, below = (total[1:] - total[first] for total in sums)
    return np.divide(above, below, out=np.full_like(values, math.nan), where=below > 0)


def mean(windows: Sequence[Window], name: str, figure: str) -> float:
    """Over all windows, each weighing as much as it has examples of that replica."""
    values, weights = (series(windows, name, what) for what in (figure, "examples"))
    known = ~np.isnan(values) & (weights > 0)
    return float(np.average(values[known], weights=weights[known])) if known.any() else math.nan


def median(windows: Sequence[Window], name: str, figure: str) -> float:
    values = series(windows, name, figure)
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else math.nan


def total(windows: Sequence[Window], name: str, figure: str) -> float:
    return float(np.nansum(series(windows, name, figure)))


def over(
    runs: Runs, summed_up: Callable[[Sequence[Window], str, str], float], name: str, figure: str
) -> float:
    """The mean of all runs of what `mean`, `median` or `total` says of one figure of one replica."""
    return float(np.mean([summed_up(windows, name, figure) for windows in runs]))


def names(windows: Sequence[Window]) -> list[str]:
    """All whose figures were told, in that order."""
    return list(dict.fromkeys(name for window in windows for name in window["figures"]))


def margin(runs: Runs, name: str, other: str) -> tuple[float, float]:
    """By how much the AUC of `name` is above that of `other`: the least of all runs; and the spread.

    The spread is the largest distance between two runs in the AUC of either.
    """
    aucs = np.array([[mean(windows, one, "auc") for windows in runs] for one in (name, other)])
    return float((aucs[0] - aucs[1]).min()), float(np.ptp(aucs, axis=1).max())


def _sums(values: Values) -> Values:
    return np.concatenate([[0.0], np.cumsum(values)])
