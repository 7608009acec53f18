"""A real Consul agent from the PATH, on free ports, which stores nothing."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.integration.discovery.ensemble import free_port

INSTALL = "put a `consul` on the PATH (tried with 1.8.7)"
STARTED_WITHIN_S = 20
PORTS = ("http", "serf-lan", "serf-wan", "server")


def missing() -> str:
    """What has to be installed; empty if nothing."""
    return "" if shutil.which("consul") else INSTALL


class Agent:
    """An agent that is its own server. Restarted, it is at the same address, and knows nothing.

    With a `token`, its ACLs deny who does not show it.
    """

    def __init__(self, folder: Path, *, token: str = "") -> None:
        self._folder = folder
        self._ports = {name: free_port() for name in PORTS}
        self._process: subprocess.Popen[bytes] | None = None
        self._token = token
        acl = {"enabled": True, "default_policy": "deny", "tokens": {"master": token}}
        (folder / "agent.json").write_text(json.dumps({"acl": acl} if token else {}))

    @property
    def port(self) -> int:
        return self._ports["http"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Come back when it can be asked."""
        ports = [f"-{name}-port={port}" for name, port in self._ports.items()]
        fixed = [
            "-dev",
            "-node=node",
            "-bind=127.0.0.1",
            "-client=127.0.0.1",
            "-dns-port=-1",
            "-grpc-port=-1",
        ]
        argv = ["consul", "agent", *fixed, *ports, f"-config-file={self._folder / 'agent.json'}"]
        with (self._folder / "agent.log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        patience = time.monotonic() + STARTED_WITHIN_S
        while not self._serves():
            assert self._process.poll() is None, (self._folder / "agent.log").read_text()
            assert time.monotonic() < patience, f"no Consul within {STARTED_WITHIN_S} s"
            time.sleep(0.02)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    close = kill

    def signal(self, what: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(what)

    def _serves(self) -> bool:
        """Whether its own node is in the catalogue: it has a leader, and takes part."""
        request = urllib.request.Request(
            f"{self.url}/v1/health/node/node", headers={"X-Consul-Token": self._token}
        )
        try:
            with urllib.request.urlopen(request, timeout=1) as answer:
                return "serfHealth" in answer.read().decode()
        except (urllib.error.URLError, OSError):
            return False
