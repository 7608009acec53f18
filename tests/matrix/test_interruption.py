"""Whoever interrupts, the process says goodbye first."""

import asyncio
from dataclasses import dataclass

import pytest

from monolith.core.errors import CleanupFailed, Stopped
from monolith.testing import virtual_time
from tests.matrix.axes import Mode, Step
from tests.matrix.laws import troubles
from tests.matrix.play import through_runner
from tests.matrix.specs.interruption import INTERRUPTION, Blow, Interruption
from tests.matrix.stage import Stage

BLOW_S = 0.1
AGAIN_S = 0.05  # after the first blow
CLEANUP_MS = 200


@dataclass(frozen=True)
class End:
    stage: Stage
    error: BaseException | None
    elapsed_ms: int
    left: int


def interrupted(case: Interruption) -> End:
    stage = Stage(case.scenario)

    async def main() -> tuple[BaseException | None, int]:
        task = asyncio.ensure_future(through_runner(case.scenario, stage))
        await asyncio.sleep(BLOW_S)
        strike(case.blow, task, stage)
        if case.blow in {Blow.CANCELLED_AGAIN, Blow.STOPPED_AGAIN}:
            asyncio.get_running_loop().call_later(AGAIN_S, strike, case.blow, task, stage)
        await asyncio.wait({task})
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        return error, len(asyncio.all_tasks()) - 1

    (error, left), seconds = virtual_time.run(main())
    return End(stage, error, round(seconds * 1000), left)


def strike(blow: Blow, task: asyncio.Future[object], stage: Stage) -> None:
    if blow in {Blow.CANCELLED, Blow.CANCELLED_AGAIN}:
        task.cancel()
    else:
        stage.stop.ask()


def its_end_is_that_of_the_blow(case: Interruption, end: End) -> None:
    if case.blow in {Blow.CANCELLED, Blow.CANCELLED_AGAIN}:
        expected: type[BaseException] = asyncio.CancelledError
    elif case.during is not None:
        expected = Stopped
    else:
        expected = CleanupFailed if troubles(case.scenario) else type(None)
    assert type(end.error) is expected


def it_says_goodbye_once(case: Interruption, end: End) -> None:
    undos = ["disconnect"] if case.during is Step.CONNECT else ["deregister", "disconnect"]
    assert [call for call in end.stage.calls if call in {"deregister", "disconnect"}] == undos
    assert end.stage.calls[-len(undos) :] == undos


def it_takes_no_longer_than_the_goodbye(case: Interruption, end: End) -> None:
    hanging = [case.deregister, case.disconnect].count(Mode.HANGS)
    assert end.elapsed_ms == (0 if case.in_cleanup else round(BLOW_S * 1000)) + CLEANUP_MS * hanging


def nothing_is_left(case: Interruption, end: End) -> None:
    assert end.left == 0
    assert not end.stage.listening


def troubles_are_told_beside_it(case: Interruption, end: End) -> None:
    if isinstance(end.error, Stopped):
        assert [issue.operation.split()[0] for issue in end.error.cleanup] == troubles(case.scenario)


LAWS = [
    its_end_is_that_of_the_blow,
    it_says_goodbye_once,
    it_takes_no_longer_than_the_goodbye,
    nothing_is_left,
    troubles_are_told_beside_it,
]


@pytest.mark.parametrize("case", list(INTERRUPTION), ids=str)
def test_whoever_interrupts(case: Interruption) -> None:
    end = interrupted(case)
    for law in LAWS:
        law(case, end)
