"""Real servers, for those tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.discovery import consul_agent
from tests.integration.discovery.consul_agent import Agent
from tests.integration.discovery.ensemble import Ensemble, Server, missing
from tests.integration.discovery.served_consul import ServedConsul
from tests.requirements import require


@pytest.fixture(scope="session")
def shared_zookeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A ZooKeeper that many tests use, each in a folder of its own."""
    require("zookeeper", missing())
    with Server(tmp_path_factory.mktemp("zookeeper") / "shared") as server:
        yield server


@pytest.fixture
def zookeeper(tmp_path: Path) -> Iterator[Server]:
    """A ZooKeeper to which anything may be done."""
    require("zookeeper", missing())
    with Server(tmp_path / "zookeeper") as server:
        yield server


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Ensemble]:
    """Three that agree."""
    require("zookeeper", missing())
    with Ensemble(tmp_path) as three:
        yield three


@pytest.fixture(params=["fake", "real"])
def consul(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Agent | ServedConsul]:
    """A Consul agent to which anything may be done."""
    if request.param == "real":
        require("consul", consul_agent.missing())
    agent = Agent(tmp_path) if request.param == "real" else ServedConsul()
    agent.start()
    yield agent
    agent.close()
