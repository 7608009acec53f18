"""`[http[s]://]host[:port][?interval-ms=N]`: whom changed rows are pushed to, and how often."""

from __future__ import annotations

import attrs

from monolith.core.endpoint import Endpoint, parse_endpoint

_OPTION = "interval-ms"
_LONGEST_MS = 24 * 3600 * 1000


@attrs.frozen
class SyncTarget:
    """A peer, and the time between two pushes to it; None: as to the others."""

    endpoint: Endpoint
    interval_ms: int | None = None

    def __str__(self) -> str:
        return str(self.endpoint)


def parse_sync_target(text: str) -> SyncTarget | str:
    """`text` as a target, or what is wrong with it."""
    where, asked, query = text.partition("?")
    endpoint = parse_endpoint(where)
    if isinstance(endpoint, str) or not asked:
        return endpoint if isinstance(endpoint, str) else SyncTarget(endpoint)
    name, _, value = query.partition("=")
    if name != _OPTION:
        return f"endpoint must not include a URL path or query, other than ?{_OPTION}=N: not {name!r}"
    if not _is_interval(value):
        return f"{_OPTION}={value!r} must be a number of milliseconds in 1..{_LONGEST_MS}"
    return SyncTarget(endpoint, int(value))


def _is_interval(text: str) -> bool:
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(_LONGEST_MS))
    return digits and 1 <= int(text) <= _LONGEST_MS
