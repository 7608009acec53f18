"""What proves to ZooKeeper who we are. Never printed, never in a message."""

from __future__ import annotations

from collections.abc import Mapping

from monolith.core.errors import ConfigError

ZK_AUTH = "ZK_AUTH"  # the variable that holds user:password


def get_zk_auth_data(environ: Mapping[str, str]) -> list[tuple[str, str]] | None:
    """The (scheme, credential) pairs to begin a session with; None where `environ` names none.

    Raises:
        ConfigError: it is no user:password.
    """
    credential = environ.get(ZK_AUTH, "").strip()
    if credential and ":" not in credential:
        raise ConfigError([f"{ZK_AUTH} must be user:password, and has no colon"])
    return [("digest", credential)] if credential else None
