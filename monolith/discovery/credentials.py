"""What proves to a server who we are. Never printed, never in a message."""

from __future__ import annotations

from collections.abc import Mapping

from monolith.core.errors import ConfigError

ZK_AUTH = "ZK_AUTH"  # the variable that holds user:password
CONSUL_TOKEN = "CONSUL_HTTP_TOKEN"  # noqa: S105  # the variable, not what it holds


def get_zk_auth_data(environ: Mapping[str, str]) -> list[tuple[str, str]] | None:
    """The (scheme, credential) pairs to begin a session with; None where `environ` names none.

    Raises:
        ConfigError: it is no user:password.
    """
    credential = environ.get(ZK_AUTH, "").strip()
    if credential and ":" not in credential:
        raise ConfigError([f"{ZK_AUTH} must be user:password, and has no colon"])
    return [("digest", credential)] if credential else None


def get_consul_token(environ: Mapping[str, str]) -> str | None:
    """What Consul's ACLs know us by; None where `environ` has none."""
    return environ.get(CONSUL_TOKEN, "").strip() or None
