"""What holds whatever happens. Each law is a function named as its sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monolith.core.errors import (
    BarrierRpcError,
    BarrierTimedOut,
    CleanupFailed,
    ConfigError,
    LaunchError,
    MonolithError,
    OperationFailed,
    OperationTimedOut,
    ShardsNotFound,
    ShardUnavailable,
)
from monolith.core.names import Role
from tests.matrix import oracle
from tests.matrix.axes import Door, Fault, Mode, Names, Scenario, Step
from tests.matrix.play import INTERVALS_S, Outcome, play

CLEANUP_S = 1.0  # at most, for all of it

KINDS: dict[Step, type[Exception]] = {
    Step.VALIDATE: ConfigError,
    Step.DISCOVER: ShardsNotFound,
    Step.ORDERING: ShardsNotFound,
    Step.ORDERING_THEN_DISCOVER: ShardsNotFound,
    Step.DISCOVER_THEN_ORDERING: ShardsNotFound,
    Step.EMPTY_DISCOVERY: ShardsNotFound,
    Step.PS_CONNECT: ShardUnavailable,
    Step.TRAINING: RuntimeError,
}


def _kind(fault: Fault) -> type[Exception]:
    if fault.step in KINDS:
        return KINDS[fault.step]
    late = fault.mode is Mode.HANGS
    if fault.step is Step.BARRIER:
        return BarrierTimedOut if late else BarrierRpcError
    if fault.step is Step.SERVER and not late:
        return LaunchError
    return OperationTimedOut if late else OperationFailed


def troubles(scenario: Scenario) -> list[str]:
    """The undos that were due and go wrong, in the order they are tried."""
    due = {"deregister": scenario.deregister, "disconnect": scenario.disconnect}
    return [undo for undo, mode in due.items() if mode is not Mode.OK]


def the_first_thing_that_went_wrong_is_the_error_you_catch(scenario: Scenario, outcome: Outcome) -> None:
    if scenario.fault is not None:
        assert type(outcome.error) is _kind(scenario.fault)
    else:
        assert type(outcome.error) is (CleanupFailed if troubles(scenario) else type(None))


def every_step_begun_is_undone_once_newest_first(scenario: Scenario, outcome: Outcome) -> None:
    connected = len(outcome.calls) > 1 and outcome.calls[1] != "disconnect"
    undos = [call for call in outcome.calls if call in {"deregister", "disconnect"}]
    tried = ["disconnect"] if "connect" in outcome.calls else []
    assert undos == (["deregister"] if connected else []) + tried
    assert outcome.calls[len(outcome.calls) - len(undos) :] == tuple(undos)
    assert not outcome.stage.listening


def every_cleanup_trouble_is_told_with_its_operation(scenario: Scenario, outcome: Outcome) -> None:
    me, kind = f"{scenario.role}-{scenario.index}", scenario.names.of(scenario.role)
    said = {
        "deregister": f"deregister {me} from {kind}: ",
        "disconnect": f"disconnect {me} via {kind}: ",
    }
    everything = "\n".join([str(outcome.error), *outcome.notes])
    for undo in troubles(scenario):
        assert said[undo] in everything


def attributes_hold_what_the_sentence_holds(scenario: Scenario, outcome: Outcome) -> None:
    if isinstance(outcome.error, MonolithError):
        assert [issue.operation.split()[0] for issue in outcome.error.cleanup] == troubles(scenario)


def it_is_over_within_the_budgets_and_nothing_is_left(scenario: Scenario, outcome: Outcome) -> None:
    assert outcome.elapsed_ms == oracle.expected(scenario).elapsed_ms
    assert outcome.left == 0


def what_is_said_is_what_the_rules_say(scenario: Scenario, outcome: Outcome) -> None:
    expected = oracle.expected(scenario)
    assert outcome.calls == expected.calls
    assert (None if outcome.error is None else str(outcome.error)) == expected.text
    if not isinstance(outcome.error, BarrierTimedOut):  # which notes who was missing
        assert outcome.notes == ((expected.note,) if expected.note else ())


def a_worker_trains_if_and_only_if_all_have_met(scenario: Scenario, outcome: Outcome) -> None:
    met = scenario.fault is None or scenario.fault.step is Step.TRAINING
    assert outcome.stage.trained is (met and scenario.role is Role.WORKER)


def others_are_told_who_and_where(scenario: Scenario, outcome: Outcome) -> None:
    info = outcome.stage.registered
    if info is None:
        return
    me, listens = f"{scenario.role}-{scenario.index}", scenario.role is Role.PS
    assert (info.id, info.name, info.service_type) == (me, me, scenario.names.of(scenario.role))
    assert (info.address, info.index) == (f"127.0.0.1:{4711 if listens else 0}", scenario.index)
    more = {"allow_update": "true"} if listens else {}
    assert info.metadata == {"addr": info.address, "index": str(scenario.index), **more}


def a_heart_beats_from_one_interval_after_registering(scenario: Scenario, outcome: Outcome) -> None:
    beats, begin, interval = outcome.stage.beats, outcome.stage.registered_at, INTERVALS_S[scenario.door]
    if begin is None:
        assert beats == []
        return
    assert beats == pytest.approx([begin + (i + 1) * interval for i in range(len(beats))])
    assert len(beats) >= (outcome.elapsed_ms / 1000 - begin - CLEANUP_S) // interval


def the_command_line_says_the_same_and_no_more(scenario: Scenario, outcome: Outcome) -> None:
    if scenario.door is not Door.CLI:
        return
    refused = scenario.fault is not None and scenario.fault.step is Step.VALIDATE
    said, expected = outcome.said or "", oracle.said_by_the_cli(scenario)
    assert said == "" if expected is None else said.startswith(f"monolith: {expected}\n")
    assert "Traceback" not in said
    assert outcome.status == (0 if expected is None else 2 if refused else 1)


def the_door_does_not_matter(scenario: Scenario, outcome: Outcome) -> None:
    plain = play(replace(scenario, door=Door.RUNNER))
    assert (outcome.calls, outcome.elapsed_ms) == (plain.calls, plain.elapsed_ms)
    assert type(outcome.error) is type(plain.error)
    if scenario.fault is None or scenario.fault.step is not Step.VALIDATE:  # which names the door's own words
        assert str(outcome.error) == str(plain.error)


def names_and_index_change_themselves_and_nothing_else(scenario: Scenario, outcome: Outcome) -> None:
    plain = replace(scenario, names=Names.DEFAULT, index=0)
    renamed = str(outcome.error).replace("custom_", "")
    assert renamed.replace(f"{scenario.role}-{scenario.index}", f"{scenario.role}-0") == str(
        play(plain).error
    )


LAWS = [
    the_first_thing_that_went_wrong_is_the_error_you_catch,
    every_step_begun_is_undone_once_newest_first,
    every_cleanup_trouble_is_told_with_its_operation,
    attributes_hold_what_the_sentence_holds,
    it_is_over_within_the_budgets_and_nothing_is_left,
    what_is_said_is_what_the_rules_say,
    a_worker_trains_if_and_only_if_all_have_met,
    others_are_told_who_and_where,
    a_heart_beats_from_one_interval_after_registering,
    the_command_line_says_the_same_and_no_more,
    the_door_does_not_matter,
    names_and_index_change_themselves_and_nothing_else,
]
