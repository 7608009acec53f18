"""Consul, meant by a config, over a socket."""

from __future__ import annotations

import pytest

from monolith.config.runner import RunConfig, RunnerConfig
from monolith.core.errors import DiscoveryError
from monolith.discovery.guard import MonolithDiscovery
from tests.integration.discovery.consul_agent import Agent
from tests.integration.discovery.served_consul import ServedConsul


@pytest.mark.parametrize(
    ("made", "config"), [(MonolithDiscovery.of, RunnerConfig), (MonolithDiscovery.of_run_config, RunConfig)]
)
def test_a_run_config_means_consul(made, config, consul: Agent | ServedConsul) -> None:
    settings = config(is_local=False, discovery_type="Consul", deep_insight_name="my_job")
    environ = {"CONSUL_HTTP_ADDR": consul.url}
    with made(settings, environ=environ) as mine, made(settings, psm="other", environ=environ) as stranger:
        for index in (1, 0):
            mine.register("ps", index, f"127.0.0.1:{index + 1}")
        assert (mine.kind, mine.query("ps")) == ("consul", {0: "127.0.0.1:1", 1: "127.0.0.1:2"})
        assert stranger.query("ps") == {}
        mine.deregister("ps", 0, "127.0.0.1:1")
        assert mine.query("ps") == {1: "127.0.0.1:2"}


def test_an_agent_that_is_not_there_is_told(consul: Agent | ServedConsul) -> None:
    consul.kill()
    settings = RunnerConfig(is_local=False, discovery_type="Consul")
    guard = MonolithDiscovery.of(settings, environ={"CONSUL_HTTP_ADDR": consul.url})
    with guard, pytest.raises(DiscoveryError) as caught:
        guard.query("ps")
    said = f"Consul get_service_nodes failed: {consul.url} cannot be reached: "
    assert str(caught.value).startswith(f"Discovery error: Internal error: {said}")
