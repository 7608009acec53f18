"""Real servers, for those tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.discovery.ensemble import Ensemble, Server, missing
from tests.requirements import require


@pytest.fixture(scope="session")
def shared_zookeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A ZooKeeper that many tests use, each in a folder of its own."""
    require("zookeeper", missing())
    server = Server(tmp_path_factory.mktemp("zookeeper") / "shared")
    server.start()
    server.wait()
    yield server
    server.kill()


@pytest.fixture
def zookeeper(tmp_path: Path) -> Iterator[Server]:
    """A ZooKeeper to which anything may be done."""
    require("zookeeper", missing())
    server = Server(tmp_path / "zookeeper")
    server.start()
    server.wait()
    yield server
    server.kill()


@pytest.fixture
def ensemble(tmp_path: Path) -> Iterator[Ensemble]:
    """Three that agree."""
    require("zookeeper", missing())
    ensemble = Ensemble(tmp_path)
    ensemble.start()
    yield ensemble
    ensemble.kill()
