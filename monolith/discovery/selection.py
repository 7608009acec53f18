"""A config → the platform that says who is where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from monolith.config.building import build
from monolith.config.layers import from_environment
from monolith.config.places import Places
from monolith.config.runner import RunConfig, RunnerConfig, ServiceDiscoveryType
from monolith.core.errors import ConfigError, DiscoveryError
from monolith.discovery.blocking import HEARTBEAT_S, Blocking
from monolith.discovery.consul_choice import consul_of
from monolith.discovery.credentials import get_zk_auth_data
from monolith.discovery.mlp import Mlp
from monolith.discovery.named import NamedDiscovery, roles_of
from monolith.discovery.tf_config import TfConfig, tf_config_of
from monolith.discovery.zk_paths import job_folder
from monolith.discovery.zookeeper import ZooKeeper


def get_discovery(
    config: RunnerConfig, psm: str | None = None, *, environ: Mapping[str, str]
) -> NamedDiscovery | None:
    """The platform that `config` means; None for a local run, which has nobody to find.

    `psm` is the name that Consul knows the job by.

    Raises:
        ConfigError: the platform lacks what it needs.
        DiscoveryError: TF_CONFIG cannot be read.
    """
    if config.is_local:
        return None
    with told():
        return _platform(config, psm, environ)


def get_discovery_from_run_config(
    run_config: RunConfig,
    base: RunnerConfig | None = None,
    psm: str | None = None,
    *,
    environ: Mapping[str, str],
) -> NamedDiscovery | None:
    """The same, for what a user asks for on top of `base`."""
    return get_discovery(run_config.to_runner_config(base), psm, environ=environ)


@contextmanager
def told() -> Iterator[None]:
    """Says of what discovery has to say that it is discovery which says it."""
    try:
        yield
    except DiscoveryError as exc:
        raise DiscoveryError(f"Discovery error: {exc}") from exc


def _platform(config: RunnerConfig, psm: str | None, environ: Mapping[str, str]) -> NamedDiscovery:
    roles = roles_of(config.discovery_service_type_ps, config.discovery_service_type_worker)
    match config.discovery_type:
        case ServiceDiscoveryType.PRIMUS:
            return TfConfig.from_json(config.tf_config or tf_config_of(environ, "Primus discovery"), roles)
        case ServiceDiscoveryType.MLP:
            return Mlp(environ, roles)
        case ServiceDiscoveryType.ZK:
            auth = get_zk_auth_data(environ)
            folder = job_folder(config.deep_insight_name)
            return Blocking("zk", ZooKeeper(config.zk_server, folder, auth=auth))
        case ServiceDiscoveryType.CONSUL:
            if not psm:
                raise ConfigError(["psm is required for Consul discovery"])
            return _consul(psm, environ)


def _consul(psm: str, environ: Mapping[str, str]) -> NamedDiscovery:
    places = build(Places, from_environment(Places, environ))
    alive_s = places.consul_ttl_secs or HEARTBEAT_S
    return Blocking("consul", consul_of(places, psm, environ), heartbeat_s=min(HEARTBEAT_S, alive_s / 3))
