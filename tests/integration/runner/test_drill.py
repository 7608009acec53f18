"""A real cluster, in which each process in turn is killed, frozen or told to stop at each of its steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from monolith.core.failpoint import Point
from tests.integration.runner.cases import CASES, WORKERS, Case, Harm, Step
from tests.integration.runner.cluster import Cluster, End
from tests.integration.runner.expected import told_by_terminated, told_by_worker

WELL = (0, None)


@pytest.mark.parametrize("case", list(CASES), ids=str)
def test_the_others_say_why_and_end_in_time(case: Case, cluster: Cluster, ends: list[End]) -> None:
    cluster.bring_to(case)
    cluster.harm(case)
    assert (str(case.victim) in cluster.registered()) == case.leaves_entry
    workers = cluster.let_go(case.workers, case.others_at)
    for one, end in workers.items():
        told = told_by_worker(case, one, cluster.address(case.victim))
        assert (end.status, end.sentence) == ((1, told) if told else WELL)
    servers = cluster.terminate(case.servers)
    assert {(end.status, end.sentence) for end in servers.values()} == {WELL}
    assert cluster.registered() == ({str(case.victim)} if case.leaves_entry else set())
    if case.harm is Harm.TERMINATED:
        assert cluster[case.victim].sentence == told_by_terminated(case)
    ends += [*workers.values(), *servers.values()]


def test_who_is_missing_at_the_barrier_is_named(cluster: Cluster) -> None:
    case = Case(WORKERS[0], Step.REGISTER, Harm.KILLED, Step.BARRIER)
    cluster.bring_to(case)
    cluster.harm(case)
    cluster.let_go(case.workers, case.others_at)
    assert "1 of 2 arrived at step0 within 300ms, missing worker-0" in cluster[WORKERS[1]].said


def test_the_page_on_failures_is_true() -> None:
    page = (Path(__file__).parents[3] / "docs" / "failures.md").read_text()
    for case in CASES:
        told = told_by_worker(case, WORKERS[1], "10.0.0.1:7000")
        assert told is None or f"`{told}`" in page
    assert all(f" {point.removeprefix('runner.before_')}" in page for point in Point)
