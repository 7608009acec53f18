"""Asked while it is held, closed once."""

import pytest

from monolith.config.runner import RunConfig, RunnerConfig
from monolith.core.errors import ConfigError, DiscoveryClosed, DiscoveryError, DiscoveryMisconfigured
from monolith.discovery.guard import MonolithDiscovery
from monolith.discovery.mlp import Mlp

ENVIRON = {"MLP_PS_NUM": "1", "MLP_PS_0_PRIMARY_HOST": "p0", "MLP_PS_0_PORT": "1"}
NOBODY = "^No discovery backend available in local mode$"

CALLS = {
    "register": lambda guard: guard.register("ps", 0, "p0:1"),
    "deregister": lambda guard: guard.deregister("ps", 0, "p0:1"),
    "query": lambda guard: guard.query("ps"),
}


class BadEnd(Mlp):
    """A platform that cannot be closed."""

    closed = 0

    def close(self):
        self.closed += 1
        raise DiscoveryMisconfigured("cannot end")


def test_it_asks_the_platform():
    with MonolithDiscovery(Mlp(ENVIRON)) as guard:
        guard.deregister("ps", 0, "p0:1")
        assert guard.query("ps") == {}
        guard.register("ps", 0, "p0:1")
        assert (guard.kind, guard.query("ps")) == ("mlp", {0: "p0:1"})


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_the_platform_says_is_told(call):
    with pytest.raises(DiscoveryError) as caught:
        call(MonolithDiscovery(Mlp({"MLP_PS_NUM": "x"})))
    assert str(caught.value) == 'Discovery error: Configuration error: MLP_PS_NUM="x" must be a number from 0'


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("platform", [None, Mlp(ENVIRON)], ids=["local", "closed"])
def test_there_is_nobody_to_ask(platform, call):
    guard = MonolithDiscovery(platform)
    guard.close()
    assert (guard.discovery, guard.kind) == (None, None)
    with pytest.raises(DiscoveryClosed, match=NOBODY):
        call(guard)


def test_a_bad_end_is_told_once():
    platform = BadEnd({})
    guard = MonolithDiscovery(platform)
    with pytest.raises(DiscoveryError, match=r"^Discovery error: Configuration error: cannot end$"):
        guard.close()
    guard.close()
    assert (guard.kind, platform.closed) == (None, 1)


def test_a_bad_end_of_a_good_block_is_told():
    with pytest.raises(DiscoveryError, match="cannot end"), MonolithDiscovery(BadEnd({})):
        pass


def test_the_first_error_stays_the_error():
    with pytest.raises(KeyError) as caught, MonolithDiscovery(BadEnd({})):
        raise KeyError("first")
    assert caught.value.__notes__ == ["Discovery error: Configuration error: cannot end"]


@pytest.mark.parametrize(
    ("made", "config"), [(MonolithDiscovery.of, RunnerConfig), (MonolithDiscovery.of_run_config, RunConfig)]
)
@pytest.mark.parametrize(("psm", "told"), [(None, "my_job"), ("my.psm", "my.psm")])
def test_consul_knows_the_job_by_some_name(made, config, psm, told):
    fields = {"is_local": False, "discovery_type": "Consul", "deep_insight_name": "my_job"}
    assert made(config(**fields), psm=psm, environ={}).discovery.backend.service_name == told


def test_a_blank_psm_is_none():
    with pytest.raises(ConfigError, match=r"^psm is required for Consul discovery$"):
        MonolithDiscovery.of(RunnerConfig(is_local=False, discovery_type="Consul"), psm="", environ={})
