"""What Prometheus is told of each target."""

from __future__ import annotations

import asyncio
import math

import numpy as np
from prometheus_client import CollectorRegistry

from monolith.sync.metrics import SyncMetrics
from tests.unit.sync.job import Job, intervals

FAR = "http://h1:80"


def told(job: Job, target: str) -> dict[str, float]:
    """The figures of one target, without their common prefix, pushes by outcome."""
    registry = CollectorRegistry()
    now = asyncio.get_running_loop().time
    registry.register(SyncMetrics(lambda: job.replicator.targets, lambda: int(1000 * now())))
    return {
        s.labels.get("outcome", s.name.removeprefix("monolith_sync_")): s.value
        for metric in registry.collect()
        for s in metric.samples
        if s.labels["target"] == target
    }


def test_what_a_target_took_is_told() -> None:
    async def story(job: Job) -> None:
        job.links[1].broken = "away"
        assert math.isnan(told(job, FAR)["lag_seconds"])
        job.learn(1, 2, 3)
        await intervals()
        job.tables["a"].evict(np.array([3]))
        job.learn(1)
        await intervals()
        near = told(job, "http://h0:80")
        assert (near["rows_total"], near["removed_rows_total"], near["resyncs_total"]) == (4, 1, 1)
        assert (near["waiting_rows"], near["resend"], near["failed"], near["refused"]) == (0, 1, 0, 0)
        assert near["bytes_total"] > 0
        assert near["applied"] >= 2
        assert 0 <= near["lag_seconds"] < 0.3
        far = told(job, FAR)
        assert far["failed"] > 0
        assert (far["rows_total"], far["waiting_rows"], far["applied"]) == (0, 2, 0)

    Job(targets=2).run(story)


def test_what_waits_is_told() -> None:
    async def story(job: Job) -> None:
        job.learn(1)
        await intervals()
        job.links[0].broken = "away"
        job.learn(*range(10))
        await asyncio.sleep(60)
        figures = told(job, "http://h0:80")
        assert figures["waiting_rows"] == 10
        assert 59 < figures["lag_seconds"] < 61

    Job().run(story)


def test_tables_that_are_left_out_are_told() -> None:
    async def story(job: Job) -> None:
        job.receiver.lacks = {"b"}
        job.learn(1)
        job.learn(1, 2, table="b")
        await intervals()
        figures = told(job, "http://h0:80")
        assert (figures["tables_left_out"], figures["waiting_rows"]) == (1, 2)
        assert figures["refused"] >= 1

    Job().run(story)
