"""Who runs, through which door, what goes wrong, and how the cleanup behaves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from monolith.core.names import Role


class Door(StrEnum):
    """The public entry point that is walked through."""

    RUNNER = "runner"
    RUNNER_CONFIG = "runner_config"
    RUN_CONFIG = "run_config"
    CLI = "cli"


class Step(StrEnum):
    """Where it goes wrong."""

    VALIDATE = "validate"
    CONNECT = "connect"
    REGISTER = "register"
    DISCOVER = "discover"
    ORDERING = "ordering"  # the servers that are found make no order
    ORDERING_THEN_DISCOVER = "ordering_then_discover"  # no order, and then every further look goes wrong
    DISCOVER_THEN_ORDERING = "discover_then_ordering"  # the first look goes wrong, and then there is no order
    EMPTY_DISCOVERY = "empty_discovery"  # nobody is found
    PS_CONNECT = "ps_connect"
    BARRIER = "barrier"
    TRAINING = "training"
    SERVER = "server"  # a parameter server that is to listen


class Mode(StrEnum):
    OK = "ok"
    FAILS = "fails"
    HANGS = "hangs"


class Names(StrEnum):
    """What roles register as: the defaults, or names of our own."""

    DEFAULT = "default"
    CUSTOM = "custom"

    def of(self, role: Role) -> str:
        return str(role) if self is Names.DEFAULT else f"custom_{role}"


class Fault(NamedTuple):
    step: Step
    mode: Mode

    def __str__(self) -> str:
        return f"{self.step}_{self.mode}"


@dataclass(frozen=True)
class Scenario:
    role: Role
    index: int
    fault: Fault | None  # the step that goes wrong, and how
    deregister: Mode
    disconnect: Mode
    names: Names
    door: Door

    def __str__(self) -> str:
        cleanup = f"deregister_{self.deregister}-disconnect_{self.disconnect}"
        return f"{self.role}{self.index}-{self.fault or 'all_well'}-{cleanup}-{self.names}-via_{self.door}"
