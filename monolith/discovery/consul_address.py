"""Where a Consul agent listens: what a user may write, and the URL that it means."""

from __future__ import annotations

import ipaddress
import re

from monolith.core.errors import DiscoveryMisconfigured

DEFAULT = "http://127.0.0.1:8500"
_PARTS = re.compile(r"(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)


def base_url(address: str, operation: str = "connect") -> str:
    """`scheme://authority` of `address`, which is [http[s]://]host[:port]; where it is empty, `DEFAULT`.

    Raises:
        DiscoveryMisconfigured: it is none; names `operation` and what is wrong.
    """
    if address != address.strip():
        raise _refused(operation, "leading/trailing whitespace")
    if not address:
        return DEFAULT
    scheme, _, rest = (address if "://" in address else f"http://{address}").partition("://")
    if wrong := _wrong(scheme.lower(), rest):
        raise _refused(operation, wrong)
    return f"{scheme.lower()}://{rest.removesuffix('/')}"


def _wrong(scheme: str, rest: str) -> str | None:
    parts = _PARTS.fullmatch(rest)
    assert parts
    authority, suffix = parts["authority"], parts["rest"]
    if scheme not in ("http", "https"):
        return "invalid scheme"
    if not authority:
        return "empty host"
    if any(char.isspace() for char in authority):
        return "whitespace in authority"
    if "@" in authority:
        return "userinfo in authority"
    return _wrong_suffix(suffix) or (_wrong_v6 if authority.startswith("[") else _wrong_host)(authority)


def _wrong_suffix(suffix: str) -> str | None:
    if suffix in ("", "/"):
        return None
    for mark, what in [("?", "query"), ("#", "fragment")]:
        if mark in suffix:
            return f"{what} is not allowed"
    return "path is not allowed"


def _wrong_v6(authority: str) -> str | None:
    host, closed, port = authority[1:].partition("]")
    if not closed:
        return "invalid IPv6 host"
    if not host:
        return "empty host"
    if port and not port.startswith(":"):
        return "invalid authority"
    if port and not _is_port(port[1:]):
        return "invalid port"
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return "invalid IPv6 host"
    return None


def _wrong_host(authority: str) -> str | None:
    host, colon, port = authority.rpartition(":")
    if colon and not _is_port(port):
        return "invalid port"
    if colon and not host:
        return "empty host"
    return "invalid authority" if ":" in host else None  # an IPv6 host without brackets


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65535


def _refused(operation: str, why: str) -> DiscoveryMisconfigured:
    return DiscoveryMisconfigured(f"Consul {operation} invalid address: {why}")
