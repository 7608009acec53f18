"""What things are called: roles and the processes that play them."""

from __future__ import annotations

from enum import StrEnum

import attrs


class Role(StrEnum):
    """What a process of a job does."""

    PS = "ps"
    WORKER = "worker"


@attrs.frozen
class ServiceId:
    """One process of a job, printed as `worker-3`."""

    role: Role
    index: int

    def __str__(self) -> str:
        return f"{self.role}-{self.index}"
