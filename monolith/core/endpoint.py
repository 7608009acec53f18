"""`[http[s]://]host[:port]`: where something is pushed to, judged and compared in one form."""

from __future__ import annotations

import re
from typing import NamedTuple

_SCHEMES = ("http", "https")
_PORTS = {"http": 80, "https": 443}
_PARTS = re.compile(r"(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>#.*)?", re.DOTALL)
_NOT_OF_A_URI = re.compile(
    r"[^!#-;=?-Z\[\]_a-z~%]"
)  # RFC 3986: what must be percent-encoded, or never stands
_HOST = re.compile(r"(?P<host>\[[^\[\]]*\]|[^\[\]:]*)(:(?P<port>[^:]*))?")


class Endpoint(NamedTuple):
    """A peer in canonical form: two texts that mean the same peer give the same endpoint."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def parse_endpoint(text: str) -> Endpoint | str:
    """`text` as an endpoint, or what is wrong with it."""
    scheme, there, rest = text.partition("://")
    if not there:
        scheme, rest = "http", text
    if scheme.lower() not in _SCHEMES:
        return "endpoint scheme must be http or https"
    parts = _PARTS.fullmatch(rest)
    assert parts
    where = parts["authority"].rpartition("@")[2]
    host = _HOST.fullmatch(where)
    if not where or not host or "%" in where or _NOT_OF_A_URI.search(rest):
        return "invalid URI"
    complaint = _more_than_an_authority(parts) or _unusable(host)
    return complaint or Endpoint(scheme.lower(), host["host"].lower(), _port(host, scheme.lower()))


def _more_than_an_authority(parts: re.Match[str]) -> str | None:
    if parts["path"] not in ("", "/") or parts["query"] is not None:
        return "endpoint must not include a URL path or query"
    if parts["fragment"] is not None:
        return "endpoint must not include a fragment"
    return "endpoint must not include userinfo" if "@" in parts["authority"] else None


def _unusable(host: re.Match[str]) -> str | None:
    if not host["host"].strip("[]"):
        return "endpoint is missing host:port authority"
    port = host["port"]
    if port is None or (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65535):
        return None
    return f"endpoint has port {port!r}, which is not in 0..65535"


def _port(host: re.Match[str], scheme: str) -> int:
    return _PORTS[scheme] if host["port"] is None else int(host["port"])
