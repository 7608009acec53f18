"""A training in one process pushes from a thread beside it."""

from __future__ import annotations

import numpy as np

from monolith.config.cluster import Cluster
from monolith.core.address import Address
from monolith.discovery.memory import InMemory
from monolith.runner.presence import replica_info
from monolith.sync.configured import pushing
from monolith.table.config import Constants, Segment, Sgd, TableConfig
from monolith.table.table import Table
from tests.integration.cli.processes import until
from tests.integration.sync.receiving import LockedReceiver, served


def test_rows_are_pushed_meanwhile() -> None:
    table = Table(TableConfig((Segment(2, Constants(1.0), Sgd()),)))
    receiver = LockedReceiver()
    with served(receiver) as port:
        told = Cluster(
            parameter_sync_targets=(f"127.0.0.1:{port}",), parameter_sync_model_name="ctr", num_ps=1
        )
        with pushing(lambda: [("a", table)], told):
            table.assign(np.arange(100), np.ones((100, 2), np.float32))
            expected = {"a": {fid: [1.0, 1.0] for fid in range(100)}}
            until("the rows arrive", lambda: receiver.rows == expected)
    assert {(r.model_name, r.shard, r.shards) for r in receiver.requests} == {("ctr", 0, 1)}


def test_those_that_register_are_pushed_to() -> None:
    table = Table(TableConfig((Segment(2, Constants(1.0), Sgd()),)))
    table.assign(np.arange(10), np.ones((10, 2), np.float32))
    receiver = LockedReceiver()
    with served(receiver) as port:
        info = replica_info("models", Address("127.0.0.1", port), "default")
        replicas = InMemory({info.id: info})
        with pushing(lambda: [("a", table)], Cluster(num_ps=1), replicas, "models"):
            until("the rows arrive", lambda: len(receiver.rows.get("a", ())) == 10)


def test_without_targets_nothing_is_noted() -> None:
    table = Table(TableConfig((Segment(2, Constants(1.0), Sgd()),)))

    def never() -> list[tuple[str, Table]]:
        raise AssertionError

    with pushing(never, Cluster()):
        table.assign(np.arange(10), np.ones((10, 2), np.float32))
