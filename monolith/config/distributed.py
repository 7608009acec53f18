"""One process of a distributed job: what all are told, and what it is among them."""

from __future__ import annotations

import attrs

from monolith.config.runner import RunnerConfig
from monolith.core.names import Role, ServiceId

ANYWHERE = "127.0.0.1:0"


@attrs.frozen
class DistributedRunConfig:
    """One process of a distributed job.

    Args:
        runner: what all processes are told; `runner.index` says which of its role this one is.
        role: what it does.
        bind_addr: IP:port that a parameter server listens on; port 0 takes any free one.
        heartbeat_interval: seconds between two signs of life; None for none.
        advertise_addr: host:port that others are told; None for where it listens.
    """

    runner: RunnerConfig
    role: Role = attrs.field(default=Role.WORKER, converter=Role)
    bind_addr: str = ANYWHERE
    heartbeat_interval: float | None = 10.0
    advertise_addr: str | None = None

    @property
    def service_id(self) -> ServiceId:
        return ServiceId(self.role, self.runner.index)

    @property
    def service_type(self) -> str:
        """What this process registers as."""
        runner = self.runner
        types = {
            Role.PS: runner.discovery_service_type_ps,
            Role.WORKER: runner.discovery_service_type_worker,
        }
        return types[self.role]
