"""The programs of a demonstration: each line is said as one types it, and each process is ours to end."""

from __future__ import annotations

import contextlib
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

BESIDE = Path(sys.executable).parent  # where the environment has its programs
LOOK_S = 0.1
END_WITHIN_S = 60.0
LAST_LINES = 15


class DemonstrationError(Exception):
    """A program failed, ended by itself, or something did not come about in time."""


class Crew:
    """Runs commands in one folder. What was started is stopped at the end of the block, the last first.

    A started program has a session of its own: a Ctrl-C at the terminal reaches us alone, and we stop the
    others in order.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._begun: dict[str, subprocess.Popen[bytes]] = {}
        self._end = contextlib.ExitStack()

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()

    def run(self, line: str, within_s: float) -> None:
        """Run a program to its end."""
        self.start(line, line, quiet=False)
        self.wait(line, within_s)

    def start(self, name: str, line: str, *, quiet: bool = True) -> None:
        """Begin a program. A quiet one goes on until it is stopped, and writes into NAME.log."""
        print(f"$ {line}{' &' if quiet else ''}", flush=True)
        program, *words = shlex.split(line)
        there = BESIDE / program
        with (self.folder / f"{name}.log").open("ab") if quiet else contextlib.nullcontext() as said:
            process = subprocess.Popen(
                [there if there.exists() else program, *words],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        self._begun[name] = process
        self._end.callback(stop, process)

    def wait(self, name: str, within_s: float) -> None:
        """Wait until one that was begun has done its work.

        Raises:
            DemonstrationError: it failed, took longer, or another one ended meanwhile.
        """
        self.until(f"the end of {name}", lambda: self.ended(name), within_s, ends=name)
        if code := self._begun.pop(name).returncode:
            raise DemonstrationError(f"{name} failed with exit code {code}{self._said(name)}")

    def rest(self, seconds: float, until_end_of: str) -> None:
        """Let them work for so long, or until one has done what it has to."""
        over = time.monotonic() + seconds
        met = lambda: time.monotonic() > over or self.ended(until_end_of)  # noqa: E731
        self.until("a rest", met, seconds + 1, ends=until_end_of)

    def ended(self, name: str) -> bool:
        return self._begun[name].poll() is not None

    def send(self, name: str, what: signal.Signals) -> None:
        """Send one a signal."""
        self._begun[name].send_signal(what)

    def stop(self, name: str) -> None:
        """End one that would go on."""
        stop(self._begun.pop(name))

    def until(self, what: str, met: Callable[[], bool], within_s: float, *, ends: str = "") -> None:
        """Wait until `met`.

        Raises:
            DemonstrationError: not within so long, or one that should go on has ended; `ends` may.
        """
        patience = time.monotonic() + within_s
        while not met():
            if time.monotonic() > patience:
                raise DemonstrationError(f"waited {within_s:.0f} s in vain for {what}")
            for name in self._begun.keys() - {ends}:
                if self.ended(name):
                    code = self._begun[name].returncode
                    raise DemonstrationError(f"{name} ended by itself, exit code {code}{self._said(name)}")
            time.sleep(LOOK_S)

    def _said(self, name: str) -> str:
        log = self.folder / f"{name}.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join([f"; the end of {log}:", *lines[-LAST_LINES:]]) if lines else ""


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C; and where that is not enough, an end at once."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_WITHIN_S)
    finally:
        process.kill()
        process.wait()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at just now."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


def fetched(url: str) -> str | None:
    """What is there; None: nothing, or not now."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            text: str = answer.read().decode()
            return text
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return None


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM unwinds as Ctrl-C does."""

    def unwind(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, unwind)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
