"""Figures of a running server, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from monolith.core.errors import MonolithError
from monolith.serving.status import status_of

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class ServingMetrics:
    """One registry a server, so that two in one process do not add up."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "monolith_serving_requests", "Requests answered.", ("method", "code"), registry=self.registry
        )
        self._seconds = Histogram(
            "monolith_serving_seconds",
            "Time to answer a request.",
            ("method",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._rows = Counter("monolith_serving_rows", "Rows predicted.", registry=self.registry)
        self._ids = Counter("monolith_serving_ids", "Distinct ids looked up.", registry=self.registry)
        self._unknown = Counter(
            "monolith_serving_unknown_ids", "Of these, ids without a row.", registry=self.registry
        )
        self._version = Gauge("monolith_serving_version", "The version that answers.", registry=self.registry)

    @property
    def answered(self) -> int:
        """Requests answered so far, refusals included."""
        samples = (s for metric in self._requests.collect() for s in metric.samples)
        return int(sum(s.value for s in samples if s.name.endswith("_total")))

    @contextmanager
    def answering(self, method: str) -> Iterator[None]:
        """Count and time one request; what is raised within decides the code."""
        begun = time.perf_counter()
        code = "OK"
        try:
            yield
        except MonolithError as exc:
            code = status_of(exc).code
            raise
        except BaseException:
            code = "INTERNAL"
            raise
        finally:
            self._requests.labels(method, code).inc()
            self._seconds.labels(method).observe(time.perf_counter() - begun)

    def predicted(self, rows: int, ids: int, unknown: int) -> None:
        self._rows.inc(rows)
        self._ids.inc(ids)
        self._unknown.inc(unknown)

    def follow(self, version: Callable[[], int | None]) -> None:
        """Ask `version` whenever somebody wants to know which one answers; 0 where none does."""
        self._version.set_function(lambda: version() or 0)
