"""Who is where, asked by commands; and a job whose processes know themselves from their environment only."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import DEADLINE_S, Cli
from tests.integration.cli.processes import until

Ended = Callable[[subprocess.Popen[str]], None]
HERE = "--discovery-path=."
TRAINING = ("--model-dir=runs", "--connect-retries=120", "--train-steps=40", "--json")
ROLES = {"ps": 2, "worker": 2}


def lines(child: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """What a command tells while it runs."""
    assert child.stdout
    return map(json.loads, child.stdout)


def test_coming_and_going_is_watched(cli: Cli, ended: Ended) -> None:
    watching = cli.start("discovery", "watch", HERE, "--json")
    ended(watching)
    registered = cli.start("discovery", "register", "ps-7", "127.0.0.1:1", HERE, "--json")
    ended(registered)
    came = {"event": "added", "service": "ps-7", "type": "ps", "index": 7, "address": "127.0.0.1:1"}
    assert next(lines(registered)) == next(lines(watching)) == came
    (row,) = cli.json("discovery", "ls", HERE)["rows"]
    assert (row["service"], row["index"], row["health"]) == ("ps-7", 7, "does not answer")
    assert 0 <= row["age_s"] < DEADLINE_S
    registered.send_signal(signal.SIGTERM)
    assert next(lines(watching)) == {"event": "removed", "service": "ps-7", "type": "ps"}
    assert registered.wait(DEADLINE_S) == 0
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=DEADLINE_S)
    assert (watching.returncode, json.loads(out)) == (130, {"events": 2})
    assert "Traceback" not in err


def test_a_reader_that_leaves_ends_watching(cli: Cli, ended: Ended) -> None:
    """As `| head` does."""
    watching = cli.start("discovery", "watch", HERE)
    ended(watching)
    assert watching.stdout
    watching.stdout.close()
    (cli.folder / "ps").mkdir()
    (cli.folder / "ps" / "0").write_text("h:1")
    assert watching.wait(DEADLINE_S) == 1


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def tf_config(ports: list[int], role: str, index: int) -> dict[str, str]:
    at = [f"127.0.0.1:{port}" for port in ports]
    kind = "chief" if (role, index) == ("worker", 0) else role
    cluster = {"ps": at[:2], "chief": at[2:3], "worker": at[3:]}
    task = {"type": kind, "index": 0 if role == "worker" else index}
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}


def mlp(ports: list[int], role: str, index: int) -> dict[str, str]:
    said = {"MLP_ROLE": role.upper(), "MLP_ROLE_INDEX": str(index), "MLP_PS_NUM": "2", "MLP_WORKER_NUM": "2"}
    where = [f"MLP_{kind.upper()}_{number}" for kind, count in ROLES.items() for number in range(count)]
    said |= {f"{name}_PRIMARY_HOST": "127.0.0.1" for name in where}
    return said | {f"{name}_PORT": str(port) for name, port in zip(where, ports, strict=True)}


@pytest.mark.parametrize("scheduler", [tf_config, mlp])
def test_the_environment_is_enough(
    cli: Cli, dataset: Path, ended: Ended, scheduler: Callable[..., dict[str, str]]
) -> None:
    """The same line starts every process of a job."""
    ports, kind = free_ports(4), scheduler.__name__.replace("_", "-")

    def start(role: str, index: int) -> subprocess.Popen[str]:
        environ = {**os.environ, **scheduler(ports, role, index), "MONOLITH_DISCOVERY": kind}
        child = cli.start("train", "--distributed", f"--data={dataset}", *TRAINING, env=environ)
        ended(child)
        return child

    servers = [start("ps", index) for index in range(2)]
    if kind == "tf-config":  # which lists also who does not listen yet
        until("all servers listen", lambda: all(map(_listens, ports[:2])), DEADLINE_S)
    workers = [start("worker", index) for index in range(2)]
    trained = [json.loads(worker.communicate(timeout=DEADLINE_S)[0]) for worker in workers]
    assert all(figures["steps"] > 0 for figures in trained), trained
    for server in servers:
        server.send_signal(signal.SIGTERM)
    assert [server.wait(DEADLINE_S) for server in servers] == [0, 0]


def _listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0
