"""A setting → a backend. A new backend is one more row; one that is not ours, an entry point.

A package offers a backend under the entry point group `monolith.discovery`: the name is what `--discovery`
says, the value a function that makes a `Discovery` of the `Places` and the environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points

import attrs

from monolith.config.places import IN_MEMORY, Places
from monolith.core.errors import ConfigError
from monolith.discovery.base import Discovery
from monolith.discovery.host_files import HostFiles
from monolith.discovery.listening import Listening
from monolith.discovery.memory import InMemory
from monolith.discovery.mlp import Mlp
from monolith.discovery.named import Roles
from monolith.discovery.tf_config import FOR_DISCOVERY, read_tf_config

GROUP = "monolith.discovery"


def choose(
    places: Places,
    environ: Mapping[str, str],
    roles: Roles | None = None,
    plugins: Iterable[EntryPoint] | None = None,
) -> Discovery:
    """The backend that `--discovery` names.

    `roles` is `named.roles_of` own service types; `plugins` are by default those that are installed.

    Raises:
        ConfigError: there is no such backend, or it lacks what it needs.
    """
    kind = places.kind
    if kind in BACKENDS:
        return BACKENDS[kind](_Given(places, environ, roles or {}))
    offered = {point.name: point for point in (entry_points(group=GROUP) if plugins is None else plugins)}
    if kind in offered:
        return _plugged(offered[kind], places, environ)
    known = ", ".join([*BACKENDS, *sorted(offered)])
    raise ConfigError([f"discovery={kind!r}: must be one of: {known}"])


@attrs.frozen
class _Given:
    places: Places
    environ: Mapping[str, str]
    roles: Roles


def _host_files(given: _Given) -> Discovery:
    if given.places.discovery_path is None:
        raise ConfigError(["discovery='host-files' needs --discovery-path, a folder that all processes see"])
    return HostFiles(given.places.discovery_path)


def _consul(given: _Given) -> Discovery:
    from monolith.discovery.consul_choice import chosen_consul

    return chosen_consul(given.places, given.environ)


def _zookeeper(given: _Given) -> Discovery:
    from monolith.discovery.credentials import get_zk_auth_data
    from monolith.discovery.zk_connection import Patience
    from monolith.discovery.zookeeper import ZooKeeper

    places = given.places
    if places.zk_hosts is None:
        raise ConfigError(["--zk-hosts is required for --discovery zookeeper"])
    patience = Patience(places.zk_session_timeout_secs)
    auth = get_zk_auth_data(given.environ)
    return ZooKeeper(places.zk_hosts, places.zk_base_path, auth=auth, patience=patience)


def _plugged(point: EntryPoint, places: Places, environ: Mapping[str, str]) -> Discovery:
    """What a stranger's package makes; whatever goes wrong in it is told with its name."""
    try:
        made: Discovery = point.load()(places, environ)
    except ConfigError:
        raise
    except Exception as exc:
        said = f"discovery={point.name!r}: {point.value}, which offers it, cannot be used: {exc}"
        raise ConfigError([said]) from exc
    return made


BACKENDS: Mapping[str, Callable[[_Given], Discovery]] = {
    "consul": _consul,
    "host-files": _host_files,
    IN_MEMORY: lambda _: InMemory(),
    "mlp": lambda given: Listening(Mlp(given.environ, given.roles), given.roles),
    "tf-config": lambda given: Listening(
        read_tf_config(given.environ, FOR_DISCOVERY, given.roles), given.roles
    ),
    "zookeeper": _zookeeper,
}
