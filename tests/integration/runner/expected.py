"""What the others should say: a case is some fault of the matrix to them, and the matrix has an oracle."""

from __future__ import annotations

from monolith.core.names import Role, ServiceId
from tests.integration.runner.cases import MET, Case, Step
from tests.integration.runner.cluster import BUDGET_MS
from tests.matrix import axes, oracle


def told_by_worker(case: Case, one: ServiceId, victim_at: str) -> str | None:
    """The sentence of a worker that nothing happened to; None if it ends well."""
    fault = felt(case)
    if fault is None:
        return None
    well = axes.Mode.OK
    scenario = axes.Scenario(one.role, one.index, fault, well, well, axes.Names.DEFAULT, axes.Door.RUNNER)
    told = oracle.expected(scenario).text
    assert told
    for theirs, ours in {
        oracle.FIRST_PS: victim_at,
        f"{oracle.OPERATION_MS}ms": f"{BUDGET_MS}ms",
        # The disorder of the matrix is two servers of which one has no index; here one of two is not there.
        "max raw observed: 2": "max raw observed: 1",
        "MixedIndexMetadataPresence": "MissingOrGappedIndexSet",
    }.items():
        told = told.replace(theirs, ours)
    return told


def felt(case: Case) -> axes.Fault | None:
    """What the case is to a worker that nothing happened to."""
    hangs = axes.Mode.HANGS
    if case.others_at is Step.TRAINING:
        return None  # without data there is nothing left that needs another
    if case.victim.role is Role.WORKER:
        return axes.Fault(axes.Step.BARRIER, hangs)
    if case.others_at is Step.BARRIER:  # workers meet on the first server
        return axes.Fault(axes.Step.BARRIER, hangs) if case.victim.index == 0 else None
    if case.others_at is Step.DISCOVER and not case.leaves_entry:
        return axes.Fault(axes.Step.ORDERING, axes.Mode.FAILS)
    return axes.Fault(axes.Step.PS_CONNECT, hangs)


def told_by_terminated(case: Case) -> str | None:
    """The sentence of a victim that was asked to stop; None if there was nothing left that it had to do."""
    if case.step in (Step.SERVING, *MET):
        return None
    never = "served" if case.victim.role is Role.PS else "trained"
    return (
        f"{case.victim} was asked to stop before it {'was connected' if case.step is Step.CONNECT else never}"
    )
