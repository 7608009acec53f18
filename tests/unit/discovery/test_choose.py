"""From a setting to a backend."""

import asyncio

import pytest

from monolith.config.places import Places
from monolith.core.errors import ConfigError
from monolith.discovery.choose import choose
from monolith.discovery.consul import Consul
from monolith.discovery.host_files import HostFiles
from monolith.discovery.memory import InMemory
from monolith.discovery.named import roles_of
from monolith.discovery.zookeeper import ZooKeeper

KNOWN = "consul, host-files, in-memory, mlp, tf-config, zookeeper"
NOBODY = "127.0.0.1:1"  # listens there
TF_CONFIG = f'{{"cluster": {{"worker": ["h:1"], "ps": ["{NOBODY}"]}}, "task": {{"type": "ps", "index": 0}}}}'
MLP = {
    "MLP_WORKER_NUM": "1",
    "MLP_WORKER_0_PRIMARY_HOST": "h",
    "MLP_WORKER_0_PORT": "1",
    "MLP_PS_NUM": "1",
    "MLP_PS_0_PRIMARY_HOST": "127.0.0.1",
    "MLP_PS_0_PORT": "1",
}


@pytest.mark.parametrize(
    ("kind", "backend"),
    [("consul", Consul), ("host-files", HostFiles), ("in-memory", InMemory), ("zookeeper", ZooKeeper)],
)
def test_a_name_gives_a_backend(kind, backend, tmp_path):
    places = Places(discovery=kind, discovery_path=tmp_path, zk_hosts="zk:2181", consul_addr="agent:8500")
    assert type(choose(places, {})) is backend


def test_a_credential_must_be_one_and_is_not_shown():
    with pytest.raises(ConfigError, match=r"^ZK_AUTH must be user:password, and has no colon$"):
        choose(Places(discovery="zookeeper", zk_hosts="zk:2181"), {"ZK_AUTH": "s3cret"})


@pytest.mark.parametrize(("kind", "environ"), [("tf-config", {"TF_CONFIG": TF_CONFIG}), ("mlp", MLP)])
@pytest.mark.parametrize(("service_type", "found"), [("my_worker", ["h:1"]), ("my_ps", [])])
def test_the_environment_is_asked_and_servers_must_listen(kind, environ, service_type, found):
    async def play():
        backend = choose(Places(discovery=kind), environ, roles_of("my_ps", "my_worker"))
        await backend.connect()
        return [info.address for info in await backend.discover(service_type)]

    assert asyncio.run(play()) == found


@pytest.mark.parametrize(
    ("kind", "environ", "said"),
    [
        ("redis", {}, f"discovery='redis': must be one of: {KNOWN}"),
        ("zookeeper", {}, "--zk-hosts is required for --discovery zookeeper"),
        ("consul", {}, "--consul-addr is required for --discovery consul"),
        ("host-files", {}, "discovery='host-files' needs --discovery-path, a folder that all processes see"),
        ("tf-config", {}, "TF_CONFIG is required for --discovery tf-config"),
        (
            "tf-config",
            {"TF_CONFIG": "[]"},
            "Failed to parse TF_CONFIG: Configuration error: Invalid TF_CONFIG JSON: missing field `cluster`",
        ),
    ],
)
def test_what_cannot_be_is_told(kind, environ, said):
    with pytest.raises(ConfigError) as caught:
        choose(Places(discovery=kind), environ)
    assert str(caught.value) == said
