"""Where a server listens: host:port, or the path of a socket that only its own host reaches.

The path is for programs that make their servers and clients themselves: `PsServer(shard, "unix:/path")` and
`RemoteShard("unix:/path", shard=0)`. --bind-addr and discovery know host:port only.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import NamedTuple

import grpc

from monolith.core.address import Address, parse_address
from monolith.core.errors import ConfigError, LaunchError

UNIX = "unix:"
_LONGEST = 107  # bytes of the path of a Unix socket, on Linux
_FLAG = "--bind-addr"
_PROBE_S = 1.0  # for whoever listens to accept, on the same host


class UnixSocket(NamedTuple):
    """A socket in the file system. Printed as gRPC writes it: unix:/path."""

    path: str

    def __str__(self) -> str:
        return UNIX + self.path


def parse_listening(text: str, *, what: str = _FLAG) -> Address | UnixSocket:
    """`text` as host:port or unix:/path; `what` says in an error where it came from.

    Raises:
        ConfigError: it is neither, or the path is relative or too long for a socket.
    """
    if not text.startswith(UNIX):
        return parse_address(text, what=what)
    path = text.removeprefix(UNIX)
    if not path.startswith("/") or len(path.encode()) > _LONGEST:
        raise ConfigError([f"{what} {text!r}: write unix:/path, absolute and of at most {_LONGEST} bytes"])
    return UnixSocket(path)


def bind(server: grpc.Server, where: Address | UnixSocket) -> Address | UnixSocket:
    """Let `server` listen there; gives the port that was bound instead of 0.

    Raises:
        LaunchError: the system refuses, or another server listens on that socket.
    """
    if isinstance(where, UnixSocket) and _answers(where):  # grpc would take its place without a word
        raise _refused(where, "it is in use")
    try:
        port = server.add_insecure_port(str(where))
    except RuntimeError as error:
        raise _refused(where, _why_not(where)) from error
    return Address(where.host, port) if isinstance(where, Address) else where


def _refused(where: Address | UnixSocket, why: str) -> LaunchError:
    other = _FLAG if isinstance(where, Address) else "path"
    return LaunchError(f"cannot listen on {where}: {why}; choose another {other}")


def _answers(where: UnixSocket) -> bool:
    """Whether somebody listens there; a socket whose server was killed is only a file."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_PROBE_S)
        try:
            probe.connect(where.path)
        except (TimeoutError, BlockingIOError):  # too many wait there already
            return True
        except OSError:
            return False
    return True


def _why_not(where: Address | UnixSocket) -> str:
    """The system's reason, which grpc does not tell."""
    try:
        if isinstance(where, UnixSocket):
            with socket.socket(socket.AF_UNIX) as probe:
                probe.bind(where.path)
            Path(where.path).unlink()
        else:
            family, kind, proto, _, found = socket.getaddrinfo(*where, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind, proto) as probe:
                probe.bind(found)
    except OSError as error:
        return error.strerror or str(error)
    return "it was taken a moment ago"
