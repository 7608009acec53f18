"""Sockets in the file system: whose they are, and what is left of them."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from monolith.core.errors import LaunchError
from monolith.ps.listening import UnixSocket, bind


class Server:
    """Takes note of where it should listen, or cannot."""

    def __init__(self, *, able: bool = True) -> None:
        self.asked: list[str] = []
        self._able = able

    def add_insecure_port(self, where: str) -> int:
        self.asked.append(where)
        if not self._able:
            raise RuntimeError
        return 1


def bound(path: Path, backlog: int | None = None) -> socket.socket:
    there = socket.socket(socket.AF_UNIX)
    there.bind(str(path))
    if backlog is not None:
        there.listen(backlog)
    return there


def test_one_that_nobody_serves_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "s"
    bound(path).close()
    server: Any = Server()
    assert bind(server, UnixSocket(str(path))) == UnixSocket(str(path))
    assert server.asked == [f"unix:{path}"]


@pytest.mark.parametrize("waiting", [0, 1])
def test_one_in_use_is_left_alone(tmp_path: Path, waiting: int) -> None:
    """Also while its server has no time to accept."""
    path = tmp_path / "s"
    server: Any = Server()
    with bound(path, backlog=0), socket.socket(socket.AF_UNIX) as other:
        if waiting:
            other.connect(str(path))
        with pytest.raises(LaunchError, match="it is in use"):
            bind(server, UnixSocket(str(path)))
    assert not server.asked


def test_asking_why_leaves_nothing(tmp_path: Path) -> None:
    server: Any = Server(able=False)
    with pytest.raises(LaunchError, match="it was taken a moment ago; choose another path"):
        bind(server, UnixSocket(str(tmp_path / "s")))
    assert not list(tmp_path.iterdir())
