"""A job of four processes that find each other through Consul, whose agent dies and has forgotten them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import httpx

from tests.integration.cli.conftest import DEADLINE_S, Cli
from tests.integration.cli.processes import until
from tests.integration.discovery.consul_agent import Agent
from tests.integration.discovery.served_consul import ServedConsul

Ended = Callable[[subprocess.Popen[str]], None]
Consul: TypeAlias = "Agent | ServedConsul"
STEPS = 400
SIZE = ("--num-ps=2", "--num-workers-cluster=2")
SIGNS = ("--heartbeat-interval-secs=1", "--consul-ttl-secs=4")
PATIENCE = ("--connect-retries=120", "--barrier-timeout-ms=120000")


class Job:
    """Its processes, by role and index."""

    def __init__(self, cli: Cli, consul: Consul, ended: Ended, *more: str) -> None:
        self._cli, self._ended, self._more = cli, ended, more
        self._consul = consul
        self._children: list[subprocess.Popen[str]] = []
        self._environ = {**os.environ, "CONSUL_HTTP_ADDR": f"127.0.0.1:{consul.port}"}

    def start(self, role: str, index: int) -> subprocess.Popen[str]:
        where = ("--discovery=consul", "--consul-service-name=job", *SIGNS)
        argv = (role, f"--index={index}", *SIZE, *PATIENCE, *where, *self._more, "--json")
        child = self._cli.start(*argv, env=self._environ)
        self._ended(child)
        self._children.append(child)
        return child

    def registered(self) -> list[str]:
        """The processes that Consul knows, and finds healthy."""
        found = httpx.get(f"{self._consul.url}/v1/health/service/job?passing=true", trust_env=False).json()
        return sorted(entry["Service"]["Meta"]["id"] for entry in found)

    def comes_to(self, *known: str) -> None:
        """Wait until Consul knows these; nobody may fail meanwhile."""

        def there() -> bool:
            for child in self._children:
                assert not child.poll(), child.communicate()
            return self.registered() == sorted(known)

        until(f"{known} are registered", there, DEADLINE_S)

    def restart_the_agent(self, *known: str) -> None:
        """Kill it; it comes back with nothing, and after a sign of life each with all."""
        self._consul.kill()
        self._consul.start()
        self.comes_to(*known)


def told(child: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = child.communicate(timeout=DEADLINE_S)
    assert child.returncode == 0, out + err
    figures: dict[str, Any] = json.loads(out)
    return figures


def test_who_comes_after_a_restart_finds_all(cli: Cli, consul: Consul, ended: Ended) -> None:
    """One worker waits while the agent dies; the other begins when it is back."""
    job = Job(cli, consul, ended)
    servers = [job.start("ps", index) for index in range(2)]
    first = job.start("worker", 0)
    job.comes_to("ps-0", "ps-1", "worker-0")
    job.restart_the_agent("ps-0", "ps-1", "worker-0")
    workers = [first, job.start("worker", 1)]
    assert [told(worker)["trained"] for worker in workers] == ["nothing: there is no --data"] * 2
    job.comes_to("ps-0", "ps-1")
    for server in servers:
        server.send_signal(signal.SIGTERM)
    assert [server.wait(DEADLINE_S) for server in servers] == [0, 0]
    assert job.registered() == []


def test_training_goes_on(cli: Cli, consul: Consul, ended: Ended, dataset: Path) -> None:
    """No step is lost while the agent is away."""
    training = (f"--data={dataset}", "--model-dir=runs", "--batch-size=64", "--save-steps=40", "--epochs=100")
    job = Job(cli, consul, ended, *training, f"--train-steps={STEPS}")
    servers = [job.start("ps", index) for index in range(2)]
    workers = [job.start("worker", index) for index in range(2)]
    until("a checkpoint", lambda: any((cli.folder / "runs").glob("checkpoint-*.json")), DEADLINE_S)
    job.restart_the_agent("ps-0", "ps-1", "worker-0", "worker-1")
    assert [worker.poll() for worker in workers] == [None, None], "it was over before the agent was back"
    assert {told(worker)["steps"] for worker in workers} == {STEPS}
    for server in servers:
        server.send_signal(signal.SIGTERM)
    assert [server.wait(DEADLINE_S) for server in servers] == [0, 0]
    auc = cli.json("evaluate", f"--data={dataset}", "--model-dir=runs")["auc"]
    print(f"AUC {auc:.4f}")
    assert auc > 0.8
