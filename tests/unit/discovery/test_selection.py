"""From a config to the platform that it means."""

import json

import pytest

from monolith.config.runner import RunConfig, RunnerConfig
from monolith.core.errors import ConfigError, DiscoveryError
from monolith.discovery.consul import Consul
from monolith.discovery.consul_sidecar import Sidecar
from monolith.discovery.guard import MonolithDiscovery
from monolith.discovery.selection import get_discovery, get_discovery_from_run_config
from tests.upstream import by_name, vectors

KINDS = {"TF_CONFIG based": "tf_config", "consul based": "consul", "zookeeper based": "zk"}
TF_CONFIG = json.dumps(by_name("runner")["primus_uses_tf_config"]["given"]["tf_config"])

CALLS = {
    "register": lambda guard: guard.register("ps", 0, "h:1"),
    "deregister": lambda guard: guard.deregister("ps", 0, "h:1"),
    "query": lambda guard: guard.query("ps"),
}


def through(door, psm=None, environ=None, **fields):
    """The same fields, given as a runner config or as a run config."""
    environ = environ or {}
    if door == "runner config":
        return get_discovery(RunnerConfig(**fields), psm, environ=environ)
    return get_discovery_from_run_config(RunConfig(**fields), None, psm, environ=environ)


@pytest.fixture(params=["runner config", "run config"])
def door(request):
    return request.param


@pytest.mark.parametrize("vector", vectors("runner", "local_has_no_discovery"))
def test_a_local_run_has_nobody_to_find(door, vector):
    assert through(door, **vector["given"]) is vector["expect"]["discovery"]


@pytest.mark.parametrize("where", ["config", "environment", "both"])
@pytest.mark.parametrize("vector", vectors("runner", "primus_uses_tf_config"))
def test_primus_reads_tf_config(door, where, vector):
    text = json.dumps(vector["given"]["tf_config"])
    fields = {} if where == "environment" else {"tf_config": text}
    environ = {"environment": {"TF_CONFIG": text}, "both": {"TF_CONFIG": "{"}}.get(where)
    found = through(door, is_local=False, environ=environ, **fields)
    assert found.kind == KINDS[vector["expect"]["discovery"]]
    assert (found.server_type, found.index, found.addr) == ("worker", 0, "localhost:1115")
    assert found.query("ps") == {0: "localhost:1111", 1: "localhost:1112"}


@pytest.mark.parametrize("vector", vectors("runner", "consul_and_zk_types"))
def test_a_type_is_that_type(door, vector):
    for name, kind in zip(vector["given"]["types"], vector["expect"]["discovery"], strict=True):
        found = through(door, "my.psm", is_local=False, discovery_type=name.capitalize())
        assert found.kind == KINDS[kind]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, (Consul, "")),
        ({"CONSUL_HTTP_ADDR": "agent:8500"}, (Consul, "agent:8500")),
        ({"CONSUL_HTTP_ADDR": "agent:8500", "MONOLITH_CONSUL_ADDR": "mine:8500"}, (Consul, "mine:8500")),
        ({"CONSUL_HTTP_HOST": "h", "MONOLITH_CONSUL_FLAVOUR": "sidecar"}, (Sidecar, "h:2280")),
    ],
)
def test_consul_is_consul(door, environ, expected):
    found = through(door, "my.psm", is_local=False, discovery_type="Consul", environ=environ).backend
    assert ((type(found), found.address), found.service_name) == (expected, "my.psm")


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_address_that_cannot_be_is_told(call):
    environ = {"CONSUL_HTTP_ADDR": "agent:8500/v1"}
    guard = MonolithDiscovery.of(RunnerConfig(is_local=False, discovery_type="Consul"), environ=environ)
    with guard, pytest.raises(DiscoveryError) as caught:
        call(guard)
    said = "Consul connect invalid address: path is not allowed"
    assert str(caught.value) == f"Discovery error: Configuration error: {said}"


def test_mlp_is_in_the_environment(door):
    environ = {"MLP_PS_NUM": "1", "MLP_PS_0_PRIMARY_HOST": "p0", "MLP_PS_0_PORT": "1"}
    fields = {"discovery_type": "Mlp", "discovery_service_type_ps": "my_ps"}
    found = through(door, is_local=False, environ=environ, **fields)
    assert (found.kind, found.query("my_ps")) == ("mlp", {0: "p0:1"})


def test_primus_knows_own_service_types(door):
    fields = {"discovery_service_type_worker": "trainer", "tf_config": TF_CONFIG}
    found = through(door, is_local=False, **fields)
    assert found.query("trainer") == dict(enumerate(f"localhost:{port}" for port in (1115, 1113, 1114)))


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"discovery_type": "Primus"}, ConfigError, "TF_CONFIG is required for Primus discovery"),
        ({"discovery_type": "Consul"}, ConfigError, "psm is required for Consul discovery"),
        (
            {"tf_config": "[]"},
            DiscoveryError,
            "Discovery error: Configuration error: Invalid TF_CONFIG JSON: missing field `cluster`",
        ),
    ],
)
def test_what_is_missing_is_told(door, fields, error, said):
    with pytest.raises(error) as caught:
        through(door, is_local=False, **fields)
    assert str(caught.value) == said
