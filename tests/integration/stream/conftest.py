"""Brokers, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monolith.data.streams.kafka import KafkaLog
from tests.integration.cli.conftest import Cli, cli, ended
from tests.integration.stream import tansu
from tests.integration.stream.mock import MockCluster
from tests.integration.stream.tansu import Tansu
from tests.requirements import require

__all__ = ["Cli", "cli", "ended"]


def kafka(servers: str, said: list[str] | None = None, timeout_s: float = 10.0, **more: float) -> KafkaLog:
    """A log over `servers`, whose sentences go into `said`."""
    heard = [] if said is None else said
    return KafkaLog(
        {"bootstrap.servers": servers, "group.id": "g"}, heard.append, timeout_s=timeout_s, **more
    )


@pytest.fixture
def mock() -> Iterator[MockCluster]:
    cluster = MockCluster()
    cluster.create("clicks", 3)
    yield cluster
    cluster.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Tansu]:
    """A broker to which anything may be done."""
    require("tansu", tansu.missing())
    one = Tansu(tmp_path)
    yield one
    one.thaw()
    one.kill()


@pytest.fixture(scope="session")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tansu]:
    """A broker that many tests use, each a topic of its own."""
    require("tansu", tansu.missing())
    one = Tansu(tmp_path_factory.mktemp("tansu"))
    yield one
    one.kill()
