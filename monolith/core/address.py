"""`host:port`, read and written in one way."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from monolith.core.errors import ConfigError


class Address(NamedTuple):
    """Where something listens. Printed as `host:port`; an IPv6 host stands in brackets."""

    host: str
    port: int

    @property
    def everywhere(self) -> bool:
        """Whether it means all of a machine's addresses: one can listen there, nobody can call it."""
        try:
            return ipaddress.ip_address(self.host).is_unspecified
        except ValueError:  # a name
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, *, what: str = "address") -> Address:
    """`text` as an address; `what` says in an error where it came from. Port 0 means any free one.

    Raises:
        ConfigError: no host, no port, a port outside 0..65535, or an IPv6 address without brackets.
    """
    host, colon, port = text.rpartition(":")
    if not colon:
        raise _refused(text, what, "has no port")
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65535):
        raise _refused(text, what, f"has port {port!r}, which is not in 0..65535")
    return Address(_host(host, text, what), int(port))


def _host(host: str, text: str, what: str) -> str:
    inner = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not inner or any(c.isspace() or c in "[]/" for c in inner):
        raise _refused(text, what, f"has no usable host ({host!r})")
    if ":" in host and inner is host:
        raise _refused(text, what, "has an IPv6 host without brackets")
    return inner


def _refused(text: str, what: str, why: str) -> ConfigError:
    return ConfigError([f"{what} {text!r} {why}: write host:port, as in 127.0.0.1:50051 or [::1]:50051"])
