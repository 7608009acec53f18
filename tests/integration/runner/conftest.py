"""A cluster of processes for each case, and the figures of all cases at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.runner.cluster import Cluster, End

ENDS = pytest.StashKey[list[End]]()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    try:
        yield cluster
    finally:
        cluster.clear()


@pytest.fixture
def ends(pytestconfig: pytest.Config) -> list[End]:
    """How everyone ended, in all cases so far."""
    return pytestconfig.stash.setdefault(ENDS, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if spent := [end.spent for end in config.stash.get(ENDS, [])]:
        mean = sum(spent) / len(spent)
        terminalreporter.write_line(
            f"drill: {len(spent)} processes outlived another; of the time that they may take they took "
            f"{mean:.0%} on average, and {max(spent):.0%} at most"
        )
