"""Who comes to harm, and how."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import attrs

from tests.integration.cli.conftest import DEADLINE_S, Cli
from tests.integration.cli.processes import kill
from tests.integration.discovery.forwarder import Forwarder


class Blow(StrEnum):
    """What happens to one part of a job."""

    KILLED = "killed"  # SIGKILL, and started again
    FROZEN = "frozen"  # SIGSTOP, and SIGCONT
    CUT = "cut"  # nothing goes to it or comes from it, and nobody is told


class Part(StrEnum):
    BROKER = "broker"
    TRAINER = "trainer"
    PS = "ps"
    REPLICA = "replica"


class Mortal(Protocol):
    """What can be killed and frozen."""

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...


class Command:
    """A command of `monolith`, which can be started again and again; what it says is in `<name>.log`."""

    def __init__(self, cli: Cli, name: str, *argv: str) -> None:
        self._cli, self._argv = cli, argv
        self._log = cli.folder / f"{name}.log"
        self.start()

    @property
    def ended(self) -> bool:
        return self._child.poll() is not None

    @property
    def said(self) -> str:
        return self._log.read_text()

    def start(self) -> None:
        with self._log.open("a") as log:
            self._child = self._cli.start(*self._argv, stdout=subprocess.DEVNULL, stderr=log)

    def kill(self) -> None:
        kill(self._child.pid)
        self._child.wait(DEADLINE_S)

    def freeze(self) -> None:
        kill(self._child.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        kill(self._child.pid, signal.SIGCONT)


@attrs.frozen
class Victim:
    """One part, and the ways on which others reach it or it reaches others."""

    it: Mortal
    ways: Sequence[Forwarder]

    def hit(self, blow: Blow) -> None:
        match blow:
            case Blow.KILLED:
                self.it.kill()
            case Blow.FROZEN:
                self.it.freeze()
            case Blow.CUT:
                for way in self.ways:
                    way.cut()

    def heal(self, blow: Blow) -> None:
        match blow:
            case Blow.KILLED:
                self.it.start()
            case Blow.FROZEN:
                self.it.thaw()
            case Blow.CUT:
                for way in self.ways:
                    way.mend()


def logged(folder: Path) -> str:
    """The end of what everybody said, to be shown where something went wrong."""
    ends = ((log.name, log.read_text(errors="replace")[-1500:]) for log in sorted(folder.glob("*.log")))
    return "\n".join(f"--- {name}\n{end}" for name, end in ends)
