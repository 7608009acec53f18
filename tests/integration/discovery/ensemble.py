"""ZooKeeper as Debian packages it, on free ports, in a folder that goes away: one server, or several."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

JAR = Path("/usr/share/java/zookeeper.jar")
INSTALL = "apt-get install --no-install-recommends zookeeper default-jre-headless"
TICK_MS = 200  # the server rounds session timeouts up to two ticks: with Debian's 2,000 ms, tests would wait
STARTED_WITHIN_S = 30
MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
JAVA = ("java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", str(JAR), MAIN)


def missing() -> str:
    """What has to be installed; empty if nothing."""
    return "" if JAR.exists() and shutil.which("java") else INSTALL


def free_port(address: str = "127.0.0.1") -> int:
    with socket.socket() as found:
        found.bind((address, 0))
        port: int = found.getsockname()[1]
        return port


class Server:
    """One ZooKeeper server, which keeps its port and, unless `wipe` is called, its data."""

    def __init__(self, folder: Path, *, address: str = "127.0.0.1") -> None:
        self.folder = folder
        self.address = address
        self.port = free_port(address)
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        self.configure()

    def __enter__(self) -> Server:
        self.start()
        self.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def hosts(self) -> str:
        return f"{self.address}:{self.port}"

    def configure(self, *more: str) -> None:
        """Write its settings, `more` for a member of an ensemble."""
        (self.folder / "data").mkdir(exist_ok=True)
        settings = {
            "tickTime": TICK_MS,
            "initLimit": 50,
            "syncLimit": 25,
            "dataDir": self.folder / "data",
            "clientPort": self.port,
            "clientPortAddress": self.address,
            "minSessionTimeout": 2 * TICK_MS,
            "maxSessionTimeout": 60_000,
            "admin.enableServer": "false",
            "4lw.commands.whitelist": "*",
        }
        lines = [f"{key}={value}" for key, value in settings.items()]
        (self.folder / "zoo.cfg").write_text("\n".join([*lines, *more, ""]))

    def start(self) -> None:
        """Begin to start; `wait` comes back when it has."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*JAVA, "zoo.cfg"], cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def wait(self) -> None:
        """Until it serves."""
        patience = time.monotonic() + STARTED_WITHIN_S
        while "Mode:" not in self.said("srvr"):
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < patience, f"no ZooKeeper within {STARTED_WITHIN_S} s"
            time.sleep(0.02)

    def said(self, command: str) -> str:
        """The answer to one of ZooKeeper's four-letter words; empty if there is none."""
        try:
            with socket.create_connection((self.address, self.port), timeout=1) as connection:
                connection.sendall(command.encode())
                return connection.makefile("rb").read().decode()
        except OSError:
            return ""

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        if self._process:
            self._process.wait()
        self._process = None

    def send(self, what: signal.Signals) -> None:
        if self._process:
            os.kill(self._process.pid, what)

    def restart(self) -> None:
        """Die, and serve again with what was stored."""
        self.kill()
        self.start()
        self.wait()

    def wipe(self) -> None:
        """Die, and serve again with nothing stored."""
        self.kill()
        shutil.rmtree(self.folder / "data")
        (self.folder / "data").mkdir()
        self.start()
        self.wait()


class Ensemble:
    """Three servers that agree."""

    def __init__(self, folder: Path) -> None:
        self.servers = [Server(folder / str(number)) for number in (1, 2, 3)]
        members = [f"server.{n}=127.0.0.1:{free_port()}:{free_port()}" for n in (1, 2, 3)]
        for number, server in enumerate(self.servers, 1):
            server.configure(*members)
            (server.folder / "data" / "myid").write_text(str(number))

    def __enter__(self) -> Ensemble:
        for server in self.servers:
            server.start()
        for server in self.servers:
            server.wait()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.servers:
            server.kill()

    @property
    def hosts(self) -> str:
        return ",".join(server.hosts for server in self.servers)

    @property
    def leader(self) -> Server:
        return next(server for server in self.servers if "Mode: leader" in server.said("srvr"))
