"""From a config to the platform that it means."""

import json

import pytest

from monolith.config.runner import RunConfig, RunnerConfig
from monolith.core.errors import BackendMissing, ConfigError, DiscoveryError
from monolith.discovery.selection import get_discovery, get_discovery_from_run_config
from tests.upstream import by_name, vectors

KINDS = {"TF_CONFIG based": "tf_config", "consul based": "consul", "zookeeper based": "zk"}
TF_CONFIG = json.dumps(by_name("runner")["primus_uses_tf_config"]["given"]["tf_config"])


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


@pytest.mark.parametrize("kind", ["consul"])
@pytest.mark.parametrize("operation", ["registration", "deregistration", "query"])
def test_what_is_not_here_says_so_when_used(kind, operation):
    found = through("runner config", "my.psm", is_local=False, discovery_type=kind.capitalize())
    calls = {
        "registration": lambda: found.register("ps", 0, "h:1"),
        "deregistration": lambda: found.deregister("ps", 0, "h:1"),
        "query": lambda: found.query("ps"),
    }
    with pytest.raises(
        BackendMissing, match=f"^{kind} {operation}: this version of monolith cannot talk to "
    ):
        calls[operation]()
    found.close()


@pytest.mark.parametrize(("kind", "told"), [("Consul", ("my.psm",))])
def test_what_is_not_here_knows_what_it_is_told(door, kind, told):
    assert through(door, "my.psm", is_local=False, discovery_type=kind).told == told


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
