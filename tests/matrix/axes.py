"""Who runs, what goes wrong, and how the cleanup behaves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from monolith.core.names import Role


class Step(StrEnum):
    CONNECT = "connect"
    REGISTER = "register"
    PLAY = "play"


class Mode(StrEnum):
    OK = "ok"
    FAILS = "fails"
    HANGS = "hangs"


class Names(StrEnum):
    """What roles register as: the defaults, or names of our own."""

    DEFAULT = "default"
    CUSTOM = "custom"

    def of(self, role: Role) -> str:
        return role if self is Names.DEFAULT else f"trainer_{role}"


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

    def __str__(self) -> str:
        cleanup = f"deregister_{self.deregister}-disconnect_{self.disconnect}"
        return f"{self.role}{self.index}-{self.fault or 'all_well'}-{cleanup}-{self.names}"
