"""Where the processes of a job find each other: the settings of every backend."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import attrs

from monolith.config.checks import given, name, not_negative, positive
from monolith.config.cluster import Cluster
from monolith.config.settings import Settings, again, one_of_them, setting

IN_MEMORY = "in-memory"  # the backend that no other process sees


class ConsulFlavour(StrEnum):
    """Which HTTP API there is to talk to."""

    AGENT = "agent"
    SIDECAR = "sidecar"


@attrs.frozen(kw_only=True, slots=False)  # without slots it can stand beside other settings as a base
class Places(Settings):
    """A backend's name, and the places of all of them: each takes its own."""

    # fmt: off
    discovery: str | None = setting(None, "Where processes find each other; default: host-files with a "
                                    "--discovery-path, else in-memory, which no other process sees.",
                                    group="discovery")
    discovery_path: Path | None = setting(None, "Folder of the host-files backend; all processes see it.",
                                          group="discovery")
    zk_hosts: str | None = setting(None, "ZooKeeper's servers, host:port,host:port.", group="discovery")
    zk_base_path: str = setting("/monolith/default", "ZooKeeper node above the job's.", group="discovery")
    zk_session_timeout_secs: float = setting(30.0, "ZooKeeper forgets a process that was silent for so long.",
                                             group="discovery", check=positive)
    consul_addr: str | None = setting(None, "Consul's agent, [http[s]://]host[:port]; a sidecar may also "
                                      "be a socket's path. Default: CONSUL_HTTP_ADDR.", group="discovery")
    consul_service_name: str = setting("monolith", "Name that Consul knows the job by.", group="discovery",
                                       check=given)
    consul_datacenter: str | None = setting(None, "Where to look; default: the datacenter of the agent.",
                                            group="discovery")
    consul_ttl_secs: float = setting(30.0, "Consul hides a process that was silent for so long; 0: never.",
                                     group="discovery", check=not_negative)
    consul_flavour: ConsulFlavour = setting(ConsulFlavour.AGENT, "agent: HashiCorp's; sidecar: ByteDance's.",
                                            group="discovery", converter=one_of_them(ConsulFlavour))
    # fmt: on

    @property
    def kind(self) -> str:
        """The name of the backend, chosen or not."""
        return self.discovery or ("host-files" if self.discovery_path else IN_MEMORY)

    @property
    def where(self) -> str:
        """The backend, and which of its places: for who may have meant another."""
        places = {
            "host-files": self.discovery_path,
            "zookeeper": f"{self.zk_hosts}{self.zk_base_path}",
            "consul": self.consul_addr,
        }
        return f"{self.kind} {places.get(self.kind) or ''}".rstrip()


@attrs.frozen(kw_only=True, slots=False)
class Looking(Places):
    """What it takes to look for the processes of a job."""

    discovery_service_type_ps: str = again(Cluster, "discovery_service_type_ps")
    discovery_service_type_worker: str = again(Cluster, "discovery_service_type_worker")
    discovery_operation_timeout_ms: int = again(Cluster, "discovery_operation_timeout_ms")
    discovery_cleanup_timeout_ms: int = again(Cluster, "discovery_cleanup_timeout_ms")


@attrs.frozen(kw_only=True, slots=False)
class Serving(Places):
    """What it takes to look for serving processes, or to be one that is found."""

    # fmt: off
    discovery_service_type_serving: str = setting("serving", "What serving processes register as.",
                                                  group="discovery", check=name)
    discovery_operation_timeout_ms: int = again(Cluster, "discovery_operation_timeout_ms")
    discovery_cleanup_timeout_ms: int = again(Cluster, "discovery_cleanup_timeout_ms")
    # fmt: on
