"""The oracle says what the specification's worked examples say; the examples' numbers are ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.matrix.axes import Door, Fault, Mode, Names, Role, Scenario, Step
from tests.matrix.oracle import Expectation, expected, said_by_the_cli

OK, FAILS, HANGS = Mode.OK, Mode.FAILS, Mode.HANGS
WORKER = Scenario(Role.WORKER, 0, None, OK, OK, Names.DEFAULT, Door.RUNNER)
PS = replace(WORKER, role=Role.PS)


def worker(step: Step | None = None, mode: Mode = FAILS, index: int = 0) -> Scenario:
    return replace(WORKER, fault=step and Fault(step, mode), index=index)


CONNECT_HANGS = worker(Step.CONNECT, HANGS)
CONNECT_TIMES_OUT = "Timed out during discovery operation: connect worker-0 via worker after 5000ms"
AFTER_ERROR = "discovery cleanup encountered issues after role error"
AFTER_SUCCESS = "discovery cleanup encountered issues after successful role completion"
NO_SERVERS = (
    "Timed out waiting for PS discovery for worker-{} (service type: ps): got 0 expected 2 "
    "(attempts: 3; max raw observed: {}; max usable observed: 0{})"
)
WORKED = {
    "connecting hangs": (CONNECT_HANGS, CONNECT_TIMES_OUT),
    "disconnecting hangs too": (
        replace(CONNECT_HANGS, disconnect=HANGS),
        f"{CONNECT_TIMES_OUT} ({AFTER_ERROR}: disconnect worker-0 via worker: "
        "Timed out during discovery cleanup: disconnect worker-0 via worker after 200ms)",
    ),
    "all of a server's calls fail": (
        Scenario(Role.PS, 1, Fault(Step.REGISTER, FAILS), FAILS, FAILS, Names.CUSTOM, Door.RUNNER),
        f"Internal error: forced register failure ({AFTER_ERROR}: "
        "deregister ps-1 from custom_ps: Internal error: forced deregister failure; "
        "disconnect ps-1 via custom_ps: Internal error: forced disconnect failure)",
    ),
    "no server ever": (worker(Step.EMPTY_DISCOVERY, index=3), NO_SERVERS.format(3, 0, "")),
    "an issue, then errors": (
        worker(Step.ORDERING_THEN_DISCOVER),
        NO_SERVERS.format(
            0,
            2,
            "; last ordering issue: MixedIndexMetadataPresence"
            "; last discovery error: Internal error: forced discover failure",
        ),
    ),
    "looking hangs": (
        worker(Step.DISCOVER, HANGS),
        NO_SERVERS.format(
            0,
            0,
            "; last discovery error: "
            "Timed out during discovery operation: discover worker-0 for ps after 5000ms",
        ),
    ),
    "only deregistering fails": (
        replace(WORKER, deregister=FAILS),
        f"Internal error: forced deregister failure ({AFTER_SUCCESS}: "
        "deregister worker-0 from worker: Internal error: forced deregister failure)",
    ),
    "both fail": (
        replace(WORKER, deregister=FAILS, disconnect=FAILS),
        f"deregister worker-0 from worker: Internal error: forced deregister failure ({AFTER_SUCCESS}: "
        "disconnect worker-0 via worker: Internal error: forced disconnect failure)",
    ),
    "the barrier is not met": (worker(Step.BARRIER, HANGS), "Barrier timeout"),
}


@pytest.mark.parametrize(("scenario", "text"), WORKED.values(), ids=WORKED)
def test_worked_examples_agree(scenario: Scenario, text: str) -> None:
    assert expected(scenario).text == text


def test_a_foreign_error_keeps_its_text() -> None:
    ends = expected(replace(worker(Step.TRAINING), disconnect=FAILS))
    assert ends.text == "forced training failure"
    assert ends.note == (
        f"({AFTER_ERROR}: disconnect worker-0 via worker: Internal error: forced disconnect failure)"
    )


def test_the_cli_puts_a_note_on_its_own_line() -> None:
    said = said_by_the_cli(replace(worker(Step.TRAINING), disconnect=FAILS))
    assert said is not None
    assert said.splitlines()[0] == "forced training failure"
    assert said.splitlines()[1].startswith(f"  ({AFTER_ERROR}: ")


def test_a_flag_is_refused_in_its_own_words() -> None:
    refused = worker(Step.VALIDATE)
    assert expected(refused) == Expectation(
        "distributed config requires dim > 0 (dim=0, from code)", None, 0, calls=()
    )
    assert said_by_the_cli(replace(refused, door=Door.CLI)) == (
        "--dim must be > 0 in distributed mode (dim=0, from --dim)"
    )


@pytest.mark.parametrize(
    ("scenario", "elapsed_ms"),
    [
        (WORKER, 0),
        (PS, 1_000),
        (replace(CONNECT_HANGS, disconnect=HANGS), 5_200),
        (replace(WORKER, deregister=HANGS, disconnect=HANGS), 400),
        (worker(Step.DISCOVER, HANGS), 3 * 5_000 + 2 * 500),
        (worker(Step.ORDERING_THEN_DISCOVER, HANGS), 2 * 5_000 + 2 * 500),
        (worker(Step.EMPTY_DISCOVERY), 2 * 500),
        (worker(Step.BARRIER, HANGS), 10_000),
    ],
    ids=str,
)
def test_budgets_and_pauses_add_up(scenario: Scenario, elapsed_ms: int) -> None:
    assert expected(scenario).elapsed_ms == elapsed_ms


@pytest.mark.parametrize(
    ("scenario", "calls"),
    [
        (worker(Step.VALIDATE), ""),
        (worker(Step.CONNECT), "connect disconnect"),
        (replace(PS, fault=Fault(Step.SERVER, FAILS)), "connect deregister disconnect"),
        (PS, "connect register deregister disconnect"),
        (WORKER, "connect register discover deregister disconnect"),
        (worker(Step.DISCOVER), "connect register discover discover discover deregister disconnect"),
    ],
    ids=str,
)
def test_cleanup_undoes_what_was_begun(scenario: Scenario, calls: str) -> None:
    assert expected(scenario).calls == tuple(calls.split())
