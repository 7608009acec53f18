"""Figures of what is pushed to a running server, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)


class Outcome(StrEnum):
    """What became of a push."""

    APPLIED = "applied"
    AGAIN = "again"  # it had been applied before
    EARLY = "early"  # the one before it had not come: it comes again
    REFUSED = "refused"
    RESEND = "resend"  # its sender was asked for everything
    FAILED = "failed"


class PushMetrics:
    """Of one server, in its registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._pushes = Counter(
            "monolith_serving_pushes", "Pushes, by what became of them.", ("outcome",), registry=registry
        )
        for outcome in Outcome:
            self._pushes.labels(outcome)
        self._rows = Counter("monolith_serving_pushed_rows", "Rows set by pushes.", registry=registry)
        self._bytes = Counter("monolith_serving_pushed_bytes", "Bytes of all pushes.", registry=registry)
        self._removed = Counter("monolith_serving_removed_rows", "Rows removed by pushes.", registry=registry)
        self._lag = Histogram(
            "monolith_serving_push_lag_seconds",
            "From the moment until which a push holds all changes to that when they were applied.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._staleness = Gauge(
            "monolith_serving_staleness_seconds",
            "How long ago the oldest of the rows that are served were up to date.",
            registry=registry,
        )

    def came(self, outcome: Outcome, size: int) -> None:
        """One push of so many bytes."""
        self._pushes.labels(outcome).inc()
        self._bytes.inc(size)

    def applied(self, rows: int, removed: int) -> None:
        self._rows.inc(rows)
        self._removed.inc(removed)

    def lagged(self, seconds: float) -> None:
        self._lag.observe(max(seconds, 0.0))

    def follow(self, staleness_s: Callable[[], float]) -> None:
        """Ask `staleness_s` whenever somebody wants to know."""
        self._staleness.set_function(staleness_s)
