"""scenario → what was called, what came of it, and how long it took on a clock of its own."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from monolith.cli.command import Outside
from monolith.cli.main import main
from monolith.config.distributed import DistributedRunConfig
from monolith.config.runner import RunConfig, RunnerConfig
from monolith.core.names import Role
from monolith.runner import (
    run_distributed,
    run_distributed_from_run_config,
    run_distributed_from_runner_config,
)
from monolith.testing import virtual_time
from tests.matrix.axes import Door, Fault, Mode, Scenario, Step
from tests.matrix.stage import NUM_WORKERS, Stage

BIND_ADDR = "127.0.0.1:0"
BEATS_S = 3.0  # where a door lets us say so
INTERVALS_S = {Door.RUNNER: BEATS_S, Door.CLI: BEATS_S, Door.RUNNER_CONFIG: 10.0, Door.RUN_CONFIG: 10.0}


@dataclass(frozen=True)
class Outcome:
    """What one run came to. `said` and `status` are the command line's, None through other doors."""

    stage: Stage
    error: BaseException | None = None
    elapsed_ms: int = 0
    left: int = 0  # tasks that outlived the run
    said: str | None = None
    status: int | None = None

    @property
    def calls(self) -> tuple[str, ...]:
        return tuple(self.stage.calls)

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(getattr(self.error, "__notes__", ()))


def told(scenario: Scenario) -> dict[str, Any]:
    """The settings of the process."""
    return {
        "index": scenario.index,
        "num_ps": 4 if scenario.role is Role.PS else 2,
        "num_workers": NUM_WORKERS,
        "discovery_service_type_ps": scenario.names.of(Role.PS),
        "discovery_service_type_worker": scenario.names.of(Role.WORKER),
        "connect_retries": 2,
        "dim": 0 if scenario.fault == Fault(Step.VALIDATE, Mode.FAILS) else 8,
    }


@functools.cache
def play(scenario: Scenario) -> Outcome:
    """Play `scenario` once."""
    stage = Stage(scenario)
    if scenario.door is Door.CLI:
        return _typed(scenario, stage)
    return _timed(DOORS[scenario.door](scenario, stage), stage)


def through_runner(scenario: Scenario, stage: Stage) -> Coroutine[Any, Any, Any]:
    runner = RunnerConfig(**told(scenario))
    return run_distributed(
        stage, DistributedRunConfig(runner, scenario.role, BIND_ADDR, BEATS_S), **stage.ways
    )


def through_runner_config(scenario: Scenario, stage: Stage) -> Coroutine[Any, Any, Any]:
    runner = RunnerConfig(**told(scenario))
    return run_distributed_from_runner_config(stage, runner, scenario.role, BIND_ADDR, **stage.ways)


def through_run_config(scenario: Scenario, stage: Stage) -> Coroutine[Any, Any, Any]:
    asked = RunConfig(**told(scenario))
    return run_distributed_from_run_config(stage, asked, None, scenario.role, BIND_ADDR, **stage.ways)


DOORS: Mapping[Door, Callable[[Scenario, Stage], Coroutine[Any, Any, Any]]] = {
    Door.RUNNER: through_runner,
    Door.RUNNER_CONFIG: through_runner_config,
    Door.RUN_CONFIG: through_run_config,
}


def _timed(run: Coroutine[Any, Any, Any], stage: Stage) -> Outcome:
    async def caught() -> tuple[BaseException | None, int]:
        error = None
        try:
            await run
        except Exception as exc:
            error = _bare(exc)
        return error, len(asyncio.all_tasks()) - 1

    (error, left), seconds = virtual_time.run(caught())
    return Outcome(stage, error, round(seconds * 1000), left)


def _bare(error: BaseException) -> BaseException:
    """`error` without the frames that it came through, which hold on to everything."""
    troubles = [trouble.error for trouble in getattr(error, "cleanup", ())]
    for more in (error.__cause__, error.__context__, *troubles):
        if more is not None and more.__traceback__ is not None:
            _bare(more.with_traceback(None))
    return error.with_traceback(None)


def _typed(scenario: Scenario, stage: Stage) -> Outcome:
    """Through the command line: `monolith ps …` or `monolith worker …`."""
    outcomes = [Outcome(stage)]

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        outcomes.append(_timed(coroutine, stage))
        if outcomes[-1].error:
            raise outcomes[-1].error

    argv = [str(scenario.role), f"--bind-addr={BIND_ADDR}", f"--heartbeat-interval-secs={BEATS_S:.0f}"]
    argv += [f"{FLAGS.get(name, name)}={value}" for name, value in _flags(scenario)]
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()), _signals():
        status = main(argv, {}, Outside(find=lambda *_: stage, run=run, ways=stage.ways))
    last = outcomes[-1]
    return Outcome(stage, last.error, last.elapsed_ms, last.left, said.getvalue(), status)


FLAGS = {"num_workers": "--num-workers-cluster"}


def _flags(scenario: Scenario) -> Iterator[tuple[str, Any]]:
    for name, value in told(scenario).items():
        yield FLAGS.get(name, "--" + name.replace("_", "-")), value


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Give back the signals that a graceful command takes."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
