"""Settings and environment → the backend that talks to this Consul."""

from __future__ import annotations

from collections.abc import Mapping

from monolith.config.places import ConsulFlavour, Places
from monolith.core.errors import ConfigError
from monolith.discovery.consul import Consul
from monolith.discovery.consul_base import ConsulBackend
from monolith.discovery.consul_sidecar import Sidecar, place
from monolith.discovery.credentials import get_consul_token

ADDRESS = "CONSUL_HTTP_ADDR"  # the variable that Consul's own programs read


def chosen_consul(places: Places, environ: Mapping[str, str]) -> ConsulBackend:
    """The one that `--discovery consul` means.

    Raises:
        ConfigError: nobody said where the agent is.
    """
    somewhere = places.consul_addr or environ.get(ADDRESS)
    if not somewhere and places.consul_flavour is ConsulFlavour.AGENT:
        raise ConfigError(["--consul-addr is required for --discovery consul"])
    return consul_of(places, places.consul_service_name, environ)


def consul_of(places: Places, service_name: str, environ: Mapping[str, str]) -> ConsulBackend:
    """The one of this machine, unless something says where; it knows the job as `service_name`."""
    if places.consul_flavour is ConsulFlavour.SIDECAR:
        return Sidecar(places.consul_addr or place(environ), service_name)
    return Consul(
        places.consul_addr or environ.get(ADDRESS, ""),
        service_name,
        datacenter=places.consul_datacenter,
        token=get_consul_token(environ),
        ttl_s=places.consul_ttl_secs or None,
    )
