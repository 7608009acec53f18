"""`monolith train`: in this process, on a cluster of processes here, or as one process of many."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monolith.cli.command import Command, Report, Ui
from monolith.cli.roles import be, replicas_of
from monolith.cli.training import Figures, train_here, training_report
from monolith.config.building import origin
from monolith.config.judging import judge
from monolith.config.places import IN_MEMORY
from monolith.config.settings import Layer
from monolith.config.train import TrainSettings
from monolith.core.names import Role
from monolith.discovery.defaults import scheduled


def train(settings: TrainSettings, ui: Ui) -> Report:
    """Train, and tell how good it got and what was saved."""
    if settings.distributed:
        return be(settings.role, settings, ui)
    _say_what_is_unused(settings, ui)
    figures = _in_process(settings, ui) if settings.one_process else _on_cluster(settings, ui)
    return training_report("training", figures)


def _say_what_is_unused(settings: TrainSettings, ui: Ui) -> None:
    """Who looks for this job there, with `monolith ps stats` say, would look in vain."""
    if settings.kind == IN_MEMORY:
        return
    name = "discovery" if settings.discovery else "discovery_path"
    told = f"{name}={getattr(settings, name)} (from {origin(settings, name)})"
    ui.progress.say(
        f"{told} is not used: a job that one command starts needs no place to meet (--distributed joins one)"
    )


def _in_process(settings: TrainSettings, ui: Ui) -> Figures:
    from monolith.estimator.rounds import Place
    from monolith.ps.blocking import BlockingClient
    from monolith.ps.shard import LocalShard
    from monolith.sync.configured import pushing

    if settings.parameter_sync_targets:
        judge(settings.as_role(Role.PS))
    shard = LocalShard(0, seed=settings.seed, memory_budget_bytes=settings.memory_budget_bytes)
    with (
        BlockingClient.local([shard]) as client,
        pushing(shard.state.tables, settings, *(replicas_of(settings, ui) or ())),
    ):
        return train_here(settings, client, Place(), ui.progress, ui.stop)


def _on_cluster(settings: TrainSettings, ui: Ui) -> Figures:
    from monolith.launch.local import check, local_job
    from monolith.launch.supervisor import Supervisor

    check(settings)
    with tempfile.TemporaryDirectory(prefix="monolith-") as meeting_place:
        supervisor = Supervisor(local_job(settings, Path(meeting_place)), ui.progress, ui.stop)
        ui.interrupts.before_abort(supervisor.kill)
        ui.interrupts.before_abort(lambda: shutil.rmtree(meeting_place, ignore_errors=True))
        return dict(supervisor.run())


def _scheduled(said: Mapping[str, Any], environ: Mapping[str, str]) -> list[Layer]:
    return scheduled(None, said, environ) if said.get("distributed") else []


TRAIN = Command(TrainSettings, train, graceful=True, defaults=_scheduled)
