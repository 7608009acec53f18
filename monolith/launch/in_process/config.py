"""Who takes part in a job in one process. The addresses only name the roles: nobody listens there."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from monolith.core.address import Address, parse_address
from monolith.core.errors import ClusterMisused


def _parsed(addresses: Iterable[str]) -> tuple[Address, ...]:
    return tuple(map(parse_address, addresses))


@attrs.frozen
class ClusterConfig:
    """One address a role, and which of them this process would be.

    Raises:
        ConfigError: an address that is none.
    """

    ps_addrs: tuple[Address, ...] = attrs.field(converter=_parsed)  # given as "host:port"
    worker_addrs: tuple[Address, ...] = attrs.field(converter=_parsed)
    task_index: int = 0
    is_ps: bool = False

    def validate(self) -> None:
        """Judge the settings together.

        Raises:
            ClusterMisused: the first rule that is broken.
        """
        mine = self.ps_addrs if self.is_ps else self.worker_addrs
        rules = (
            (self.ps_addrs, "At least one parameter server is required"),
            (self.worker_addrs, "At least one worker is required"),
            (_unique(self.ps_addrs), "Parameter server addresses must be unique"),
            (_unique(self.worker_addrs), "Worker addresses must be unique"),
            (
                0 <= self.task_index < len(mine),
                f"Task index {self.task_index} is out of range (max: {len(mine) - 1})",
            ),
        )
        for holds, broken in rules:
            if not holds:
                raise ClusterMisused(broken)


def _unique(addresses: tuple[Address, ...]) -> bool:
    return len(set(addresses)) == len(addresses)
