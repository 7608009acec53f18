"""A cluster as one types it: a process a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable

from monolith.core.failpoint import VARIABLE
from monolith.core.names import Role
from tests.integration.cli.conftest import DEADLINE_S, Cli
from tests.integration.cli.processes import until

Ended = Callable[[subprocess.Popen[str]], None]
FLAGS = ("--num-ps=2", "--num-workers-cluster=2", "--discovery-path=meet", "--barrier-timeout-ms=300")


def test_one_that_dies_is_missed(cli: Cli, ended: Ended) -> None:
    def start(role: Role, index: int, failpoint: str = "") -> subprocess.Popen[str]:
        process = cli.start(role, f"--index={index}", *FLAGS, env={**os.environ, VARIABLE: failpoint})
        ended(process)
        return process

    def registered() -> list[str]:
        return sorted(f"{file.parent.name}-{file.name}" for file in (cli.folder / "meet").glob("*/*"))

    servers = [start(Role.PS, index) for index in (0, 1)]
    until("both servers serve", lambda: registered() == ["ps-0", "ps-1"])
    assert start(Role.WORKER, 0, "runner.before_barrier=kill").wait(DEADLINE_S) == -signal.SIGKILL
    survivor = start(Role.WORKER, 1)
    _, told = survivor.communicate(timeout=DEADLINE_S)
    assert survivor.returncode == 1
    assert told.endswith("Barrier timeout\n  1 of 2 arrived at step0 within 300ms, missing worker-0\n")
    for server in servers:
        server.terminate()
    assert [server.wait(DEADLINE_S) for server in servers] == [0, 0]
    assert registered() == ["worker-0"]
