"""Processes that play a role of a job: forked, so that they are there in no time, and real in all else."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from monolith.core.names import ServiceId
from tests.integration.cli.processes import until

FORKS = multiprocessing.get_context("forkserver")
WARM = "tests.integration.runner.warm"
FORKS.set_forkserver_preload(["__main__", WARM])


class Over(Exception):
    """A process ended before it did what one waited for."""


class Forked:
    """One role of a job. What it says goes into a file."""

    def __init__(self, me: ServiceId, folder: Path, flags: list[str], environ: Mapping[str, str]) -> None:
        self._me = me
        self._log = folder / f"{me}.log"
        self._log.touch()
        argv = [me.role, f"--index={me.index}", *flags]
        self._process = FORKS.Process(target=_play, args=(argv, dict(environ), self._log))
        self._process.start()

    @property
    def said(self) -> str:
        """All that it has told so far, on either stream."""
        return self._log.read_text()

    @property
    def sentence(self) -> str | None:
        """What it ended with, if not well: the first line, without what went wrong after it."""
        _, failed, told = self.said.partition("monolith: ")
        return told.splitlines()[0].partition(" (discovery cleanup")[0] if failed else None

    def signal(self, what: signal.Signals) -> None:
        assert self._process.pid
        os.kill(self._process.pid, what)

    def until_it_says(self, text: str) -> None:
        """Wait for it.

        Raises:
            Over: it ended without.
        """
        until(f"{self._me} says {text!r}", lambda: text in self.said or self._process.exitcode is not None)
        if text not in self.said:
            raise Over(f"{self._me} ended without {text!r}: {self.said}")

    def status(self, within_s: float) -> int:
        """Its exit code; fail if it has none by then."""
        self._process.join(within_s)
        assert self._process.exitcode is not None, f"{self._me} is still there: {self.said}"
        return self._process.exitcode

    def clear(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.join()


def _play(argv: list[str], environ: Mapping[str, str], log: Path) -> None:
    with log.open("a") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    assert WARM in sys.modules, f"import {WARM} to see what the fork server kept to itself"
    from monolith.cli.main import main

    sys.exit(main(argv, {**os.environ, **environ}))
