"""`monolith ps stats`, of servers that run."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monolith.cli.main import main
from monolith.config.bad_gradients import BadGradients
from monolith.core.fids import make_fid
from monolith.discovery.base import ServiceInfo
from monolith.discovery.host_files import HostFiles
from monolith.ps.api import Gradients, Lookup, Stamp
from monolith.ps.shard import LocalShard
from monolith.table.config import Segment, TableConfig
from tests.integration.ps.conftest import Cluster


@pytest.fixture
def addresses(cluster: Cluster) -> list[str]:
    shards = [LocalShard(index) for index in range(2)]
    for shard in shards:
        fids = np.append(make_fid(3, np.arange(16)), make_fid(4, np.arange(8)))
        cluster.run(shard.create_tables({"item": TableConfig([Segment(4)], max_rows=100)}))
        cluster.run(shard.lookup([Lookup("item", fids, 4), Lookup("item", fids[:8], 4)]))
    return [cluster.serve(shard) for shard in shards]


def asked(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, Any]:
    status = main(["ps", "stats", *argv, "--json"], {})
    return status, json.loads(capsys.readouterr().out)


def test_servers_by_address(capsys: pytest.CaptureFixture[str], addresses: list[str]) -> None:
    status, answer = asked(capsys, *(f"--address={address}" for address in addresses))
    assert (status, answer["servers"], answer["rows"][0]["rows"]) == (0, 2, 24)
    first, second = answer["rows"]
    assert (first["ps"], second["ps"], first["table"], first["slot"]) == (0, 1, "item", None)
    assert (first["most_rows"], first["bytes"] > 24 * 32) == (100, True)
    assert (first["asked"], first["hit_rate"], first["evicted"]) == (32, 0.25, 0)
    assert 0 < first["load"] < 1 <= first["probe_mean"] <= first["probe_max"]


def test_gradients_that_are_no_numbers_are_told(capsys: pytest.CaptureFixture[str], cluster: Cluster) -> None:
    shard = LocalShard(0, bad_gradients=BadGradients.SKIP)
    cluster.run(shard.create_tables({"item": TableConfig([Segment(1)])}))
    grads = np.array([[1], [np.nan], [np.inf]], np.float32)
    cluster.run(shard.apply([Gradients("item", np.arange(3), grads)], Stamp(1, 1)))
    _, answer = asked(capsys, f"--address={cluster.serve(shard)}")
    assert (answer["rows"][0]["rows"], answer["rows"][0]["not_finite"]) == (1, 2)


def test_a_budget_of_a_server_is_told(capsys: pytest.CaptureFixture[str], cluster: Cluster) -> None:
    """A megabyte and three times as many rows; the rows are counted only where there is a budget."""
    shard = LocalShard(0, memory_budget_bytes=1 << 20)
    cluster.run(shard.create_tables({"item": TableConfig([Segment(16)])}))
    for fids in np.arange(24_000).reshape(-1, 500):
        cluster.run(shard.lookup([Lookup("item", fids, 16)]))
    status, answer = asked(capsys, f"--address={cluster.serve(shard)}")
    assert (status, answer["memory_budget_bytes"]) == (0, 1 << 20)
    assert 1 << 19 < answer["bytes"] <= 1 << 20
    assert answer["evicted_for_memory"] == 24_000 - answer["rows"][0]["rows"] > 0


def test_servers_that_are_found(
    capsys: pytest.CaptureFixture[str], cluster: Cluster, addresses: list[str], tmp_path: Path
) -> None:
    """A slot's ids are a sample: every eighth, which are four of the thirty-two."""
    board = HostFiles(tmp_path)
    cluster.run(board.connect())
    for index, address in enumerate(addresses):
        cluster.run(board.register(ServiceInfo.listed("ps", index, address)))
    status, answer = asked(capsys, "--discovery-path", str(tmp_path), "--slots")
    assert status == 0
    lines = [(row["ps"], row["slot"], row["rows"], row["asked"]) for row in answer["rows"]]
    assert lines == [(ps, *slot) for ps in (0, 1) for slot in ((None, 24, 32), (3, 16, 3), (4, 8, 1))]


def test_nobody_is_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, answer = asked(capsys, "--discovery-path", str(tmp_path))
    assert status == 1
    nobody = f"no parameter server is registered in host-files {tmp_path}"
    assert answer["error"] == f"{nobody}; give its --address, or another --discovery"


@pytest.mark.parametrize("address", ["", "host", "127.0.0.1:99999", "unix:ps.sock"])
def test_an_address_that_cannot_be_is_refused(capsys: pytest.CaptureFixture[str], address: str) -> None:
    status, answer = asked(capsys, f"--address={address}")
    assert status == 2
    assert re.match(rf"^--address {address!r}.*: write ", answer["error"])


def test_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    status, answer = asked(capsys, "--address=127.0.0.1:1")
    assert status == 1
    assert answer["error"].startswith("Connection failed to 127.0.0.1:1: ")


def test_a_server_that_stands_still_is_told_in_time(capsys: pytest.CaptureFixture[str]) -> None:
    """The system accepts connections for it, and nobody says a word on them."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = "{}:{}".format(*silent.getsockname())
        status, answer = asked(capsys, f"--address={address}", "--discovery-operation-timeout-ms=300")
    assert (status, answer["error"]) == (1, f"Connection failed to {address}: no answer within 300ms")
