"""What one process of a job can be told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from monolith.config.bad_gradients import BadGradients
from monolith.config.checks import if_given, mebibytes, not_negative, port
from monolith.config.cluster import Cluster
from monolith.config.dense_export import DenseExportConfig
from monolith.config.distributed import ANYWHERE, DistributedRunConfig
from monolith.config.following import Following
from monolith.config.places import ConsulFlavour
from monolith.config.progressive import ProgressiveConfig
from monolith.config.runner import RunnerConfig
from monolith.config.settings import Problem, again, one_of_them, part, setting
from monolith.config.stream import StreamConfig
from monolith.config.training import TrainingConfig
from monolith.core.names import Role


@attrs.frozen(kw_only=True, slots=False)
class Joining(Following):
    """How one process takes its place in a job."""

    # fmt: off
    num_ps: int = again(Cluster, "num_ps", 1)
    bind_addr: str = setting(ANYWHERE, "IP:port that a parameter server listens on; 0 is any free port.",
                             group="cluster")
    advertise_addr: str | None = setting(None, "host:port that others are told, port 0 being the bound one; "
                                         "default: where it listens.", group="cluster")
    bad_gradients: BadGradients = setting(BadGradients.REFUSE, "What a parameter server does with gradients "
                                          "that are NaN or infinite: refuse, skip or clip them.",
                                          group="training", converter=one_of_them(BadGradients))
    memory_budget_mb: int | None = setting(None, "Mebibytes that all tables of a parameter server may take: "
                                           "beyond, the least recently updated rows leave.", group="cluster",
                                           check=if_given(mebibytes))
    metrics_port: int | None = setting(None, "Port of a parameter server's Prometheus metrics over HTTP; of "
                                       "several that `monolith train` starts, those after it.",
                                       group="cluster", check=if_given(port))
    heartbeat_interval_secs: int = setting(10, "Time between two signs of life; 0 gives none.",
                                           group="discovery", check=not_negative)
    disable_heartbeat: bool = setting(False, "Give no signs of life.", group="discovery")
    events_fd: int | None = setting(None, "Open file descriptor that gets progress as JSON lines.",
                                    group="supervision")
    lifeline: bool = setting(False, "Stop when standard input closes: who started us is gone.",
                             group="supervision")
    # fmt: on

    @property
    def memory_budget_bytes(self) -> int | None:
        """What the tables of a server take at most, None if there is no limit."""
        return None if self.memory_budget_mb is None else self.memory_budget_mb << 20

    @property
    def heartbeat_s(self) -> float | None:
        """Time between two signs of life, None without any."""
        return None if self.disable_heartbeat else self.heartbeat_interval_secs or None

    def as_role(self, role: Role) -> DistributedRunConfig:
        """What this process is as `role`."""
        told = part(RunnerConfig, self, is_local=False)
        return DistributedRunConfig(told, role, self.bind_addr, self.heartbeat_s, self.advertise_addr)

    def rules(self) -> Iterator[Problem]:
        yield from Following.rules(self)
        ttl_s = self.consul_ttl_secs
        if self.kind != "consul" or self.consul_flavour is not ConsulFlavour.AGENT or not ttl_s:
            return
        if self.heartbeat_s is None:
            yield Problem(("consul_ttl_secs",), "must be 0 where no process gives signs of life")
        elif self.heartbeat_s >= ttl_s:
            names = ("heartbeat_interval_secs", "consul_ttl_secs")
            yield Problem(names, "a sign of life must come before it is missed")


@attrs.frozen(kw_only=True)
class RoleSettings(TrainingConfig, StreamConfig, ProgressiveConfig, DenseExportConfig, Joining):
    """One process of a job: the same flags whatever its role, so that one line starts them all."""

    # fmt: off
    model: str = setting("deepfm", "Built-in model, `module:Class` or `path.py:Class`.", group="model")
    data: Path | None = setting(None, "Dataset folder.", group="data")
    # fmt: on

    def rules(self) -> Iterator[Problem]:
        """A process without data trains nothing, and needs nothing for it."""
        yield from Joining.rules(self)
        if self.data is not None:
            yield from TrainingConfig.rules(self)
            yield from StreamConfig.rules(self)
