"""Processes of a job, seen from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """The processes that `pid` has started, and those that they have."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    direct = [int(p) for p in children.read_text().split()] if children.exists() else []
    return [p for child in direct for p in (child, *descendants(child))]


def kill(pid: int, what: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)


def alive(pids: Sequence[int]) -> list[int]:
    """Those of `pids` that still run; the dead that nobody has waited for do not count."""
    return [pid for pid in pids if _state(pid) not in ("gone", "Z")]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


def free_port() -> int:
    """A port of this machine on which nobody listens yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def until(what: str, met: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for `met`; fail, naming it, if that takes too long."""
    patience = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < patience, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.005)


def role_pid(job: subprocess.Popen[str], role: str, index: int) -> int:
    """The process of one role of a job, once it is known by its command line."""
    found: list[int] = []

    def there() -> bool:
        found[:] = [pid for pid in descendants(job.pid) if {role, f"--index={index}"} <= set(_argv(pid))]
        return bool(found)

    until(f"{role}-{index}", there)
    return found[0]


def _argv(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:  # it has ended meanwhile
        return []
