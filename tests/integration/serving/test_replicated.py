"""A replica follows tables that learn, through versions that are older and newer than what was pushed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest

from monolith.config.sync_target import SyncTarget
from monolith.core.endpoint import Endpoint
from monolith.serving.server import ModelServer
from monolith.sync.message import Letterhead
from monolith.sync.patience import Pace
from monolith.sync.replicator import Replicator, unix_ms
from monolith.table.config import Segment, Sgd, TableConfig, Zeros
from monolith.table.table import Table
from monolith.testing.exports import write_tiny_export
from tests.integration.serving.conftest import serving

PATIENCE_S = 30.0


class Training:
    """Two tables that learn at random, and forget."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)
        config = TableConfig((Segment(2, Zeros(), Sgd()),))
        self.tables = {"users": Table(config), "genres": Table(config)}

    def step(self, number: int) -> None:
        grads = self._random.normal(size=(500, 2)).astype(np.float32)
        self.tables["users"].apply(self._random.integers(0, 5_000, 500), grads)
        self.tables["genres"].apply(self._random.integers(0, 3, 4), grads[:4])
        self.tables["users"].evict(np.arange(number * 100, number * 100 + 30))

    def same_as(self, server: ModelServer) -> bool:
        """Whether the server has exactly these rows."""
        pairs = [(table.export(), server.replica.tables[name]) for name, table in self.tables.items()]
        return all(
            len(rows) == len(live) and bool((live.find(rows.fids)[0] == rows.values).all())
            for rows, live in pairs
        )


@pytest.mark.parametrize("age_s", [60, -60], ids=["older", "newer"])
def test_replica_becomes_what_was_learned(tmp_path: Path, age_s: int) -> None:
    models, training = tmp_path / "tiny", Training()
    write_tiny_export(models, 1)

    async def train(server: ModelServer) -> None:
        pushing = Replicator(
            training.tables.items,
            [SyncTarget(Endpoint(scheme="http", host="127.0.0.1", port=server.port))],
            Letterhead(model_name="tiny"),
            pace=Pace(interval_s=0.02),
        )
        pushing.start()
        for number in range(30):
            training.step(number)
            if number == 10:
                write_tiny_export(models, 2, as_of_ms=unix_ms() - age_s * 1000)
            await asyncio.sleep(0.02)
        patience = time.monotonic() + PATIENCE_S
        while not (server.versions.version == 2 and training.same_as(server)):
            assert time.monotonic() < patience, f"not the same within {PATIENCE_S:.0f} s"
            await asyncio.sleep(0.02)
        await pushing.stop()

    with serving(models) as server:
        asyncio.run(train(server))
