"""What the processes of a training job are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from monolith.config.checks import given, name, not_negative, positive
from monolith.config.settings import Problem, Settings, setting
from monolith.core.address import parse_address


@attrs.frozen(kw_only=True)
class MeetingSettings(Settings):
    """How the processes of a job find each other, and how patient they are."""

    # fmt: off
    discovery: str = setting("host-files", "How processes find each other.", group="discovery")
    discovery_path: Path | None = setting(None, "Folder of the host-files backend; all processes see it.",
                                          group="discovery")
    discovery_operation_timeout_ms: int = setting(5_000, "Budget of one connect, register or discover.",
                                                  group="discovery", check=positive)
    discovery_cleanup_timeout_ms: int = setting(200, "Budget of one deregister or disconnect.",
                                                group="discovery", check=positive)
    discovery_service_type_ps: str = setting("ps", "What parameter servers register as.",
                                             group="discovery", check=name)
    discovery_service_type_worker: str = setting("worker", "What workers register as.",
                                                 group="discovery", check=name)
    connect_retries: int = setting(240, "Further looks for the parameter servers after the first.",
                                   group="discovery", check=not_negative)
    retry_backoff_ms: int = setting(500, "Time between two looks.", group="discovery", check=positive)
    events_fd: int | None = setting(None, "Open file descriptor that gets progress as JSON lines.",
                                    group="supervision")
    lifeline: bool = setting(False, "Stop when standard input closes: who started us is gone.",
                             group="supervision")
    # fmt: on

    def rules(self) -> Iterator[Problem]:
        types = ("discovery_service_type_ps", "discovery_service_type_worker")
        if len({getattr(self, t).casefold() for t in types}) == 1:
            yield Problem(types, "must be distinct, case aside")


@attrs.frozen(kw_only=True)
class PsSettings(MeetingSettings):
    """One parameter server."""

    # fmt: off
    index: int = setting(0, "Which of the parameter servers this is, from 0.", group="cluster",
                         check=not_negative)
    num_ps: int = setting(1, "Parameter servers in the job.", group="cluster", check=positive)
    bind_addr: str = setting("127.0.0.1:0", "host:port to listen on; port 0 takes any free one.",
                             group="cluster")
    advertise_addr: str | None = setting(None, "host:port that workers are told, port 0 being the bound one; "
                                         "default: where it listens.", group="cluster")
    metrics_port: int | None = setting(None, "Port for Prometheus metrics over HTTP.", group="cluster")
    seed: int = setting(0, "Seed of the values that unseen rows start with.", group="training")
    # fmt: on

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        if self.index >= self.num_ps:
            yield Problem(("index", "num_ps"), "index must be < num_ps")
        if self.discovery_path is None:
            yield Problem(("discovery_path",), "must be given")
        bound = parse_address(self.bind_addr, what="--bind-addr")
        if parse_address(self.advertise_addr or str(bound), what="--advertise-addr").everywhere:
            rule = "advertise_addr must be an address that workers can reach, as in 10.0.0.5:0"
            yield Problem(("bind_addr", "advertise_addr"), rule)


@attrs.frozen(kw_only=True, slots=False)  # without slots it can stand beside MeetingSettings as a base
class RunConfig(Settings):
    """How far and how to train, whatever the number of processes."""

    # fmt: off
    model_dir: Path | None = setting(None, "Folder of checkpoints and events.", group="model", short="-d",
                                     check=given)
    epochs: int | None = setting(None, "Passes over the training data; 1 if no --train-steps either.",
                                 group="training")
    train_steps: int | None = setting(None, "Batches to train, summed over the workers.", group="training",
                                      short="-s")
    batch_size: int = setting(512, "Examples in a batch.", group="training", short="-b", check=positive)
    dense_learning_rate: float = setting(0.001, "Learning rate of the model's own dense optimizer.",
                                   group="training", check=positive, flag="--learning-rate")
    shuffle: bool = setting(True, "Read the training data in a seeded random order.", group="training")
    seed: int = setting(0, "Seed of everything random.", group="training")
    torch_threads: int | None = setting(None, "Threads of a worker; default: its share of the cores.",
                                        group="training")
    dense_sync_steps: int = setting(8, "Steps between two exchanges of the dense parameters.",
                                    group="training", check=positive)
    save_steps: int = setting(1_000, "Steps between two checkpoints; 0 saves at the end only.",
                              group="checkpoint", check=not_negative)
    max_to_keep: int = setting(5, "Checkpoints to keep; 0 keeps all.", group="checkpoint", check=not_negative)
    resume: bool = setting(True, "Go on from the newest complete checkpoint.", group="checkpoint")
    round_timeout_ms: int = setting(600_000, "How long a worker waits for the others at the end of a round.",
                                    group="cluster", check=positive)
    clip_norm: float = setting(1_000.0, "Largest global norm of all gradients of a step together.",
                               group="training", check=positive)
    log_steps: int = setting(100, "Steps between two lines of loss and AUC.", group="training",
                             check=positive)
    # fmt: on

    def rules(self) -> Iterator[Problem]:
        yield from _positive_if_given(self, "epochs", "train_steps", "torch_threads")


@attrs.frozen(kw_only=True)
class TrainSettings(MeetingSettings, RunConfig):
    """A training job. With neither count of processes given it is one process with the tables inside."""

    # fmt: off
    model: str = setting("deepfm", "Built-in model, `module:Class` or `path.py:Class`.", group="model")
    data: Path | None = setting(None, "Dataset folder.", group="data", check=given)
    num_ps: int | None = setting(None, "Parameter server processes to start.", group="cluster")
    num_workers: int | None = setting(None, "Worker processes to start.", group="cluster",
                                      flag="--num-workers-cluster")
    # fmt: on

    def rules(self) -> Iterator[Problem]:
        yield from MeetingSettings.rules(self)
        yield from RunConfig.rules(self)
        yield from _positive_if_given(self, "num_ps", "num_workers")

    @property
    def one_process(self) -> bool:
        return self.num_ps is None and self.num_workers is None


@attrs.frozen(kw_only=True)
class WorkerSettings(TrainSettings):
    """One worker of a training job."""

    # fmt: off
    index: int = setting(0, "Which of the workers this is, from 0; worker 0 is the chief.", group="cluster",
                         check=not_negative)
    barrier_timeout_ms: int = setting(60_000, "How long a worker waits for the others before the first step.",
                                      group="cluster", check=positive)
    # fmt: on

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        for must in ("num_ps", "num_workers", "discovery_path"):
            if getattr(self, must) is None:
                yield Problem((must,), "must be given")
        if self.num_workers is not None and self.index >= self.num_workers:
            yield Problem(("index", "num_workers"), "index must be < num_workers")


def _positive_if_given(settings: Settings, *counts: str) -> Iterator[Problem]:
    for count in counts:
        if (value := getattr(settings, count)) is not None and value <= 0:
            yield Problem((count,), "must be > 0")
