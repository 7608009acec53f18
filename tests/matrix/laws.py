"""What holds whatever happens. Each law is a function named as its sentence."""

from __future__ import annotations

from monolith.core.errors import CleanupFailed, MonolithError, OperationFailed, OperationTimedOut
from tests.matrix.axes import Mode, Scenario, Step
from tests.matrix.play import SETTINGS, Outcome, info

UNDOES = {"deregister": Step.REGISTER, "disconnect": Step.CONNECT}


def begun(scenario: Scenario) -> list[Step]:
    """The steps that were tried: all up to the one that goes wrong."""
    steps = list(Step)
    return steps[: steps.index(scenario.fault.step) + 1] if scenario.fault else steps


def troubles(scenario: Scenario) -> list[tuple[str, Mode]]:
    """The undos that were due and go wrong, in the order they are tried."""
    due = {"deregister": scenario.deregister, "disconnect": scenario.disconnect}
    return [(u, m) for u, m in due.items() if UNDOES[u] in begun(scenario) and m is not Mode.OK]


def the_first_thing_that_went_wrong_is_the_error_you_catch(scenario: Scenario, outcome: Outcome) -> None:
    if scenario.fault is None:
        expected = CleanupFailed if troubles(scenario) else type(None)
    elif scenario.fault.mode is Mode.HANGS:
        expected = OperationTimedOut
    else:
        expected = RuntimeError if scenario.fault.step is Step.PLAY else OperationFailed
    assert type(outcome.error) is expected


def every_step_begun_is_undone_once_newest_first(scenario: Scenario, outcome: Outcome) -> None:
    undos = [u for u in ("deregister", "disconnect") if UNDOES[u] in begun(scenario)]
    assert outcome.calls == (*begun(scenario), *undos)


def every_cleanup_trouble_is_told_with_its_operation(scenario: Scenario, outcome: Outcome) -> None:
    me = info(scenario)
    said = {
        "deregister": f"deregister {me.service_id} from {me.service_type}",
        "disconnect": f"disconnect {me.service_id} via {me.service_type}",
    }
    told = "\n".join([str(outcome.error), *getattr(outcome.error, "__notes__", ())])
    for undo, _ in troubles(scenario):
        assert said[undo] in told


def it_is_over_within_the_budgets(scenario: Scenario, outcome: Outcome) -> None:
    hangs = [m for _, m in troubles(scenario)].count(Mode.HANGS) * SETTINGS.discovery_cleanup_timeout_ms
    if scenario.fault and scenario.fault.mode is Mode.HANGS:
        hangs += SETTINGS.discovery_operation_timeout_ms
    assert round(outcome.seconds * 1000) == hangs


def attributes_hold_what_the_sentence_holds(scenario: Scenario, outcome: Outcome) -> None:
    if isinstance(outcome.error, MonolithError):
        assert [issue.operation.split()[0] for issue in outcome.error.cleanup] == [
            undo for undo, _ in troubles(scenario)
        ]


LAWS = [
    the_first_thing_that_went_wrong_is_the_error_you_catch,
    every_step_begun_is_undone_once_newest_first,
    every_cleanup_trouble_is_told_with_its_operation,
    it_is_over_within_the_budgets,
    attributes_hold_what_the_sentence_holds,
]
