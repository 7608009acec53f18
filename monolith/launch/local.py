"""The job that `monolith train --num-ps N --num-workers-cluster M` starts on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs

from monolith.checkpoint.store import CheckpointStore
from monolith.config.job import MeetingSettings, PsSettings, TrainSettings, WorkerSettings
from monolith.config.settings import to_argv
from monolith.core.errors import CheckpointError
from monolith.core.names import Role, ServiceId
from monolith.data.dataset import Dataset
from monolith.launch.supervisor import Job
from monolith.models.registry import load_model


def check(settings: TrainSettings) -> None:
    """Find out here, once, what every role would find out for itself.

    Raises:
        DataError, ModelError, MissingExtra: there is no such dataset or model, or no PyTorch.
    """
    Dataset.open(settings.data or ".")
    load_model(settings.model)


def local_job(settings: TrainSettings, meeting_place: Path) -> Job:
    """The roles of `settings`, which find each other through files in `meeting_place`."""
    num_ps, num_workers = settings.num_ps or 1, settings.num_workers or 1
    meeting = {f.name: getattr(settings, f.name) for f in attrs.fields(MeetingSettings) if f.init}
    meeting |= {"discovery_path": meeting_place, "sources": {}}
    roles = {
        ServiceId(Role.PS, i): [
            "ps",
            *to_argv(PsSettings(**meeting, index=i, num_ps=num_ps, seed=settings.seed)),
        ]
        for i in range(num_ps)
    }
    shared = {f.name: getattr(settings, f.name) for f in attrs.fields(TrainSettings) if f.init} | meeting
    shared |= {"num_ps": num_ps, "num_workers": num_workers}
    roles |= {
        ServiceId(Role.WORKER, i): ["worker", *to_argv(WorkerSettings(**shared, index=i))]
        for i in range(num_workers)
    }
    return Job(roles, resume_hint(settings.model_dir))


def resume_hint(model_dir: Path | None) -> Callable[[], str]:
    """A function that says, when asked, which checkpoint the same command would go on from."""

    def hint() -> str:
        try:
            newest = CheckpointStore(model_dir).latest() if model_dir else None
        except CheckpointError as exc:
            return str(exc)
        if newest is None:
            return "nothing had been saved yet: the same command starts again"
        return f"the same command goes on from checkpoint-{newest.step}"

    return hint
