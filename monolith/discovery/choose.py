"""A setting → a backend. A new backend is one more row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from monolith.core.errors import ConfigError, DiscoveryError
from monolith.discovery.absent import ABSENT, refusal
from monolith.discovery.base import Discovery
from monolith.discovery.host_files import HostFiles
from monolith.discovery.memory import InMemory
from monolith.discovery.mlp import Mlp
from monolith.discovery.named import Named, Roles
from monolith.discovery.tf_config import TfConfig, tf_config_of


def choose(kind: str, path: Path | None, environ: Mapping[str, str], roles: Roles | None = None) -> Discovery:
    """The backend that `--discovery` names.

    `path` is what `--discovery-path` says; `roles` is `named.roles_of` own service types.

    Raises:
        ConfigError: there is no such backend, or it lacks what it needs.
    """
    if kind in ABSENT:
        raise ConfigError([f"discovery={kind!r}: {refusal(kind)}, only: {', '.join(BACKENDS)}"])
    if kind not in BACKENDS:
        raise ConfigError([f"discovery={kind!r}: must be one of: {', '.join(BACKENDS)}"])
    return BACKENDS[kind](_Given(path, environ, roles or {}))


@attrs.frozen
class _Given:
    path: Path | None
    environ: Mapping[str, str]
    roles: Roles


def _host_files(given: _Given) -> Discovery:
    if given.path is None:
        raise ConfigError(["discovery='host-files' needs --discovery-path, a folder that all processes see"])
    return HostFiles(given.path)


def _tf_config(given: _Given) -> Discovery:
    text = tf_config_of(given.environ, "--discovery tf-config")
    try:
        return Named(TfConfig.from_json(text, given.roles))
    except DiscoveryError as exc:
        raise ConfigError([f"Failed to parse TF_CONFIG: {exc}"]) from exc


BACKENDS: Mapping[str, Callable[[_Given], Discovery]] = {
    "host-files": _host_files,
    "in-memory": lambda _: InMemory(),
    "mlp": lambda given: Named(Mlp(given.environ, given.roles)),
    "tf-config": _tf_config,
}
