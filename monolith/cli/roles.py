"""`monolith ps`, `monolith worker`, `monolith train --distributed`: one process of a job."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monolith.cli.command import Command, Report, Ui
from monolith.cli.quick_start import quick_start
from monolith.cli.rehearsal import Rehearsal
from monolith.cli.training import Figures, train_here, training_report
from monolith.config.job import RoleSettings
from monolith.core.failpoint import Failpoint
from monolith.core.names import Role
from monolith.discovery.defaults import scheduled
from monolith.launch.events import EventPipe
from monolith.launch.lifeline import hold

if TYPE_CHECKING:
    from monolith.estimator.rounds import Place
    from monolith.ps.blocking import BlockingClient
    from monolith.ps.client import PsClient
    from monolith.runner.part import Train, Ways
    from monolith.runner.serving import Replicas


def be(role: Role, settings: RoleSettings, ui: Ui) -> Report:
    """Play `role` to its end; then tell what came of it."""
    pipe = _supervised(role, settings, ui)
    with quick_start() if role is Role.PS else nullcontext(_nothing) as started:
        from monolith.cli.harmed import harmed
        from monolith.runner import run_distributed

        config = settings.as_role(role)
        failpoint = Failpoint.of(ui.environ, ui.progress.say)
        own = _ways(role, settings, ui, pipe, started)
        discovery, ways = harmed(
            ui.find(settings),
            {**own, "stop": ui.stop, **(ui.outside.ways or {})},
            failpoint,
        )
        figures = ui.outside.run(run_distributed(discovery, config, **ways))
    return _report(str(config.service_id), figures or {"trained": "nothing: there is no --data"}, pipe)


def _nothing() -> None: ...


def _workers_ways(settings: RoleSettings, ui: Ui, pipe: EventPipe | None) -> Ways:
    from monolith.runner.part import over_grpc

    connect = functools.partial(over_grpc, half=settings.transfer_float16)
    return {"train": _training(settings, ui, pipe), "connect_shards": connect}


def _ways(
    role: Role, settings: RoleSettings, ui: Ui, pipe: EventPipe | None, started: Callable[[], None]
) -> Ways:
    """What this role needs of the world."""
    if role is Role.WORKER:
        return _workers_ways(settings, ui, pipe) if settings.data else {}
    from monolith.runner.serving import GrpcServer

    def ready(address: str) -> None:
        started()
        if pipe:
            pipe.send("ready", address=address)
        else:
            ui.progress.say(f"ps-{settings.index} listens at {address}")

    serve = functools.partial(
        GrpcServer,
        seed=settings.seed,
        metrics_port=settings.metrics_port,
        bad_gradients=settings.bad_gradients,
        memory_budget_bytes=settings.memory_budget_bytes,
        replicas=replicas_of(settings, ui),
    )
    return {"serve": serve, "ready": ready}


def replicas_of(settings: RoleSettings, ui: Ui) -> Replicas | None:
    """Where those register that the job pushes to, if it looks for any."""
    places = settings.serving
    if places is None:
        return None
    from monolith.runner.serving import Replicas

    return Replicas(ui.outside.search(places, ui.environ), places.discovery_service_type_serving)


def _training(settings: RoleSettings, ui: Ui, pipe: EventPipe | None) -> Train:
    """Train the share of this worker."""
    rehearsal = Rehearsal(settings.data or Path())

    def begin(blocking: BlockingClient, place: Place) -> Figures:
        rehearsal.wait()
        return train_here(settings, blocking, place, pipe or ui.progress, ui.stop)

    async def train(client: PsClient) -> Figures:
        import asyncio

        from monolith.estimator.rounds import Place
        from monolith.ps.blocking import BlockingClient

        place = Place(worker=settings.index, num_workers=settings.num_workers)
        blocking = BlockingClient(client, asyncio.get_running_loop())
        return await asyncio.to_thread(begin, blocking, place)

    return train


def _report(title: str, figures: Figures, pipe: EventPipe | None) -> Report:
    """Told to who started us, if someone did, and else to who reads the screen."""
    if pipe is None:
        return training_report(title, figures)
    pipe.send("result", **figures)
    return Report(title=title)


def _supervised(role: Role, settings: RoleSettings, ui: Ui) -> EventPipe | None:
    """The pipe to who started us, if someone did, and an end when that one ends."""
    if settings.lifeline:
        ui.interrupts.supervised(stays=role is Role.PS)  # the workers' last save needs its servers
        hold(sys.stdin.fileno(), ui.stop)
    return None if settings.events_fd is None else EventPipe(settings.events_fd)


def _command(role: Role) -> Command[Any]:
    return Command(
        RoleSettings, functools.partial(be, role), graceful=True, defaults=functools.partial(scheduled, role)
    )


PS = _command(Role.PS)
WORKER = _command(Role.WORKER)
