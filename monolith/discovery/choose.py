"""A setting → a backend. A new backend is one more row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from monolith.core.errors import ConfigError
from monolith.discovery.base import Discovery
from monolith.discovery.host_files import HostFiles
from monolith.discovery.memory import InMemory


def choose(kind: str, path: Path | None) -> Discovery:
    """The backend that `--discovery` names; `path` is what `--discovery-path` says.

    Raises:
        ConfigError: there is no such backend, or it lacks what it needs.
    """
    if kind not in BACKENDS:
        raise ConfigError([f"discovery={kind!r}: must be one of: {', '.join(BACKENDS)}"])
    return BACKENDS[kind](path)


def _host_files(path: Path | None) -> Discovery:
    if path is None:
        raise ConfigError(["discovery='host-files' needs --discovery-path, a folder that all processes see"])
    return HostFiles(path)


BACKENDS: Mapping[str, Callable[[Path | None], Discovery]] = {
    "host-files": _host_files,
    "in-memory": lambda _: InMemory(),
}
