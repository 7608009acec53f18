"""`monolith ps` and `monolith worker`: one process of a job."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from monolith.cli.command import Command, Report, Ui
from monolith.cli.training import Figures, train_here
from monolith.config.job import MeetingSettings, PsSettings, WorkerSettings
from monolith.core.progress import Progress
from monolith.launch.events import EventPipe
from monolith.launch.lifeline import hold

if TYPE_CHECKING:
    from monolith.ps.client import PsClient


def ps(settings: PsSettings, ui: Ui) -> Report:
    """Serve until told to stop; then tell what was held."""
    from monolith.discovery.choose import choose
    from monolith.runner.ps import run_ps

    pipe = _supervised(settings, ui)

    def ready(address: str) -> None:
        if pipe:
            pipe.send("ready", address=address)
        else:
            ui.progress.say(f"ps-{settings.index} listens at {address}")

    discovery = choose(settings.discovery, settings.discovery_path)
    stats = asyncio.run(run_ps(discovery, settings, ui.stop, ready))
    rows = sum(table.rows for table in stats.tables)
    figures: Figures = {"rows": rows, "lookups": stats.lookups, "applies": stats.applies}
    return _report(f"ps-{settings.index}", figures, pipe)


def worker(settings: WorkerSettings, ui: Ui) -> Report:
    """Train this worker's share; then tell how good it got."""
    from monolith.discovery.choose import choose
    from monolith.estimator.rounds import Place
    from monolith.ps.blocking import BlockingClient
    from monolith.runner.worker import run_worker

    pipe = _supervised(settings, ui)
    progress: Progress = pipe or ui.progress
    place = Place(worker=settings.index, num_workers=settings.num_workers or 1)

    async def train(client: PsClient) -> Figures:
        blocking = BlockingClient(client, asyncio.get_running_loop())
        return await asyncio.to_thread(train_here, settings, blocking, place, progress, ui.stop)

    discovery = choose(settings.discovery, settings.discovery_path)
    figures = asyncio.run(run_worker(discovery, settings, train))
    return _report(f"worker-{settings.index}", figures, pipe)


def _report(title: str, figures: Figures, pipe: EventPipe | None) -> Report:
    """Told to who started us, if someone did, and else to who reads the screen."""
    if pipe is None:
        return Report(title=title, figures=figures)
    pipe.send("result", **figures)
    return Report(title=title)


def _supervised(settings: MeetingSettings, ui: Ui) -> EventPipe | None:
    """The pipe to who started us, if someone did, and an end when that one ends."""
    if settings.lifeline:
        hold(sys.stdin.fileno(), ui.stop)
    return None if settings.events_fd is None else EventPipe(settings.events_fd)


PS = Command(PsSettings, ps, graceful=True)
WORKER = Command(WorkerSettings, worker, graceful=True)
