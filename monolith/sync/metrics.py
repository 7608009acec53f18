"""What became of pushes, for Prometheus: of each target that is pushed to now, read when somebody asks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monolith.sync.target import Target


def _lag_s(one: Target, now_ms: int) -> float:
    as_of_ms = one.pushed.as_of_ms
    return max(now_ms - as_of_ms, 0) / 1000 if as_of_ms else math.nan


Figure = Callable[[Target, int], float]  # given unix milliseconds
_COUNTERS: dict[str, tuple[str, Figure]] = {
    "rows": ("Rows that were taken.", lambda one, _: one.pushed.rows),
    "removed_rows": ("Removals that were taken.", lambda one, _: one.pushed.removed),
    "bytes": ("Bytes of pushes that were taken.", lambda one, _: one.pushed.bytes),
    "resyncs": ("How often it was sent all rows of a table.", lambda one, _: one.pushed.wholes),
}
_GAUGES: dict[str, tuple[str, Figure]] = {
    "waiting_rows": ("About how many rows it has yet to be sent.", lambda one, _: one.waiting),
    "tables_left_out": ("Tables that it does not take.", lambda one, _: one.left_out),
    "lag_seconds": ("How long ago it had all changes; NaN: it never had.", _lag_s),
}
_OUTCOMES: dict[str, Callable[[Target], float]] = {
    "applied": lambda one: one.pushed.pushes,
    "refused": lambda one: one.pushed.refused,
    "resend": lambda one: one.pushed.resends,
    "failed": lambda one: one.pushed.failures,
}


class SyncMetrics(Collector):
    """Of `targets`. `clock_ms` is unix time."""

    def __init__(self, targets: Callable[[], Iterable[Target]], clock_ms: Callable[[], int]) -> None:
        self._targets = targets
        self._clock_ms = clock_ms

    def collect(self) -> Iterator[Metric]:
        targets, now_ms = list(self._targets()), self._clock_ms()
        pushes = CounterMetricFamily(
            "monolith_sync_pushes", "Pushes, by what became of them.", labels=["target", "outcome"]
        )
        for one in targets:
            for outcome, count in _OUTCOMES.items():
                pushes.add_metric([one.name, outcome], count(one))
        yield pushes
        for family, figures in ((CounterMetricFamily, _COUNTERS), (GaugeMetricFamily, _GAUGES)):
            for name, (told, figure) in figures.items():
                metric = family(f"monolith_sync_{name}", told, labels=["target"])
                for one in targets:
                    metric.add_metric([one.name], figure(one, now_ms))
                yield metric
