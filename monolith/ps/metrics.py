"""A parameter server's figures for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monolith.ps.api import ShardStats
from monolith.ps.counts import Operation

# Seconds. A batch of a thousand ids takes tenths of a millisecond, a saving disk can take seconds.
BUCKETS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


class PsMetrics:
    """`observe` is told of every call, once a batch; sizes are read when someone asks."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "monolith_ps_call_seconds",
            "Time to answer a call, without its way through the network.",
            ["operation"],
            registry=self.registry,
            buckets=BUCKETS,
        )
        self._ids = Counter(
            "monolith_ps_ids", "Ids looked up or updated.", ["operation"], registry=self.registry
        )

    def observe(self, operation: Operation, ids: int, seconds: float) -> None:
        self._seconds.labels(operation).observe(seconds)
        self._ids.labels(operation).inc(ids)

    def report(self, stats: Callable[[], ShardStats]) -> None:
        """Show rows and bytes of each table, and what the server's budget is, as `stats` says then."""
        self.registry.register(_Tables(stats))

    def serve(self, host: str, port: int) -> Callable[[], None]:
        """Answer HTTP on `port`; call what is returned to stop."""
        server, thread = start_http_server(port, host, self.registry)
        return lambda: _stop(server, thread)


class _Tables(Collector):
    def __init__(self, stats: Callable[[], ShardStats]) -> None:
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        rows = GaugeMetricFamily("monolith_ps_rows", "Rows of a table.", labels=["table"])
        held = GaugeMetricFamily("monolith_ps_bytes", "Memory of a table.", labels=["table"])
        about = "Gradients that were skipped or clipped, as they were NaN or infinite."
        bad = CounterMetricFamily("monolith_ps_not_finite", about, labels=["table"])
        stats = self._stats()
        for table in stats.tables:
            rows.add_metric([table.name], table.rows)
            held.add_metric([table.name], table.memory_bytes)
            if table.report:
                bad.add_metric([table.name], table.report.usage.not_finite)
        yield from (rows, held, bad)
        if stats.memory_budget_bytes:
            about = "Memory that all tables may take."
            yield GaugeMetricFamily("monolith_ps_memory_budget_bytes", about, stats.memory_budget_bytes)
            about = "Rows that left to keep the memory budget."
            yield CounterMetricFamily("monolith_ps_evicted_for_memory", about, stats.evicted_for_memory)


def _stop(server: WSGIServer, thread: Thread) -> None:
    server.shutdown()
    server.server_close()
    thread.join()
