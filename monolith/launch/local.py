"""The job that `monolith train --num-ps N --num-workers-cluster M` starts on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from monolith.checkpoint.store import CheckpointStore
from monolith.config.job import RoleSettings
from monolith.config.judging import judge
from monolith.config.settings import part, to_argv
from monolith.config.train import TrainSettings
from monolith.core.errors import CheckpointError
from monolith.core.names import Role, ServiceId
from monolith.data.dataset import Dataset
from monolith.data.streams.cluster import kafka_log
from monolith.launch.supervisor import Job
from monolith.models.registry import check_model

# Processes of one machine start together, and on a new one a server compiles for a minute before it is found.
PATIENCE = {"connect_retries": 240, "barrier_timeout_ms": 60_000}


def check(settings: TrainSettings) -> None:
    """Find out here, once, what every role would find out for itself.

    Raises:
        ConfigError: settings that cannot be.
        DataError, ModelError, MissingExtra: there is no such dataset or model, or no PyTorch.
        TopicNotFound, BrokersUnreachable: the stream to train on.
    """
    for role in Role:
        judge(settings.as_role(role))
    Dataset.open(settings.data or ".")
    if settings.topics:
        log = kafka_log(settings, _nobody)
        for topic in settings.topics:
            log.partitions(topic)
    check_model(settings.model)


def _nobody(_sentence: str) -> None: ...


def local_job(settings: TrainSettings, meeting_place: Path) -> Job:
    """The roles of `settings`, which find each other through files in `meeting_place`."""
    patience = {name: value for name, value in PATIENCE.items() if not settings.has_chosen(name)}
    places = {"discovery": "host-files", "discovery_path": meeting_place, **patience}

    def argv(role: Role, index: int) -> list[str]:
        first = settings.metrics_port if role is Role.PS else None
        own = {"metrics_port": first + index} if first else {}
        return [role, *to_argv(part(RoleSettings, settings, index=index, **places, **own))]

    counts = {Role.PS: settings.num_ps, Role.WORKER: settings.num_workers}
    roles = {ServiceId(role, i): argv(role, i) for role, count in counts.items() for i in range(count)}
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
