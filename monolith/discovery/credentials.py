"""What proves to ZooKeeper who we are. Never printed, never in a message."""

from __future__ import annotations

from collections.abc import Mapping

ZK_AUTH = "ZK_AUTH"  # the variable that holds user:password


def get_zk_auth_data(environ: Mapping[str, str]) -> list[tuple[str, str]] | None:
    """The (scheme, credential) pairs to begin a session with; None where `environ` names none."""
    credential = environ.get(ZK_AUTH, "").strip()
    return [("digest", credential)] if credential else None
