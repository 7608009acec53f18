"""The same rows there and back: pushed to a replica, and looked up by calls of the public protocol."""

from __future__ import annotations

import asyncio
import time

import numpy as np
from harness.sync_ends import DIM, MIRROR
from harness.wire_servers import ROWS

from monolith.config.sync_target import SyncTarget
from monolith.core.arrays import Fids, Rows
from monolith.core.endpoint import Endpoint
from monolith.ps.api import Lookup
from monolith.ps.limits import Limits
from monolith.ps.link import Link
from monolith.ps.roads import CallRoad
from monolith.sync.message import Letterhead
from monolith.sync.patience import Pace
from monolith.sync.replicator import Replicator
from monolith.sync.source import LIMIT_BYTES
from monolith.sync.splitting import FID_BYTES
from monolith.table.table import Table
from monolith.wire import ps_training_pb2 as pb

IN_ONE = LIMIT_BYTES // (FID_BYTES + 4 * DIM)  # rows of a push, and of a lookup
PUSHED_WITHIN_S = 60.0
WITHIN_MS = 10_000


def filled() -> Table:
    """As many rows as the server that is asked has."""
    table = Table(MIRROR.configs["t"])
    table.assign(*_all_rows())
    return table


def _all_rows() -> tuple[Fids, Rows]:
    ids = np.arange(ROWS)
    return MIRROR.fids("t", ids), np.repeat(ids[:, None] + 1, DIM, axis=1).astype(np.float32)


def pushed_per_s(table: Table, port: int) -> dict[str, float]:
    """Rows a second of pushes to a replica that applies them: of everything, and of changes of all rows."""
    return asyncio.run(_pushed_per_s(table, port))


async def _pushed_per_s(table: Table, port: int) -> dict[str, float]:
    target = SyncTarget(Endpoint(scheme="http", host="127.0.0.1", port=port))
    head = Letterhead(model_name="mirror")
    pushing = Replicator(lambda: [("t", table)], [target], head, pace=Pace(interval_s=0.05))
    pushing.start()
    try:
        whole = await _speed(pushing, ROWS)
        await asyncio.to_thread(table.assign, *_all_rows())
        return {"everything": whole, "changes": await _speed(pushing, 2 * ROWS)}
    finally:
        await pushing.stop()


async def _speed(pushing: Replicator, until: int) -> float:
    """From the first message with rows to that with which `until` rows were pushed."""
    (pushed,) = pushing.pushed().values()
    before, rows, began = pushed.rows, 0, 0.0
    patience = time.perf_counter() + PUSHED_WITHIN_S
    while time.perf_counter() < patience:
        (pushed,) = pushing.pushed().values()
        if pushed.rows >= until:
            return (pushed.rows - rows) / (time.perf_counter() - began)
        if pushed.rows > before and not began:
            began, rows = time.perf_counter(), pushed.rows
        await asyncio.sleep(0.001)
    raise TimeoutError(f"rows were not pushed within {PUSHED_WITHIN_S:.0f} s")


def lookups_per_s(address: str) -> float:
    """Rows a second that come back as raw bytes from calls of as many rows as a push has."""
    return asyncio.run(_lookups_per_s(address))


async def _lookups_per_s(address: str) -> float:
    link = Link(address, 0, Limits())
    try:
        server = await link.call(
            "HealthCheck", pb.HealthCheckRequest(), pb.HealthCheckResponse, within_ms=5000
        )
        road = CallRoad(link, Limits(), server)
        began = time.perf_counter()
        for start in range(0, ROWS, IN_ONE):
            await road.lookup([Lookup("t", np.arange(start, min(start + IN_ONE, ROWS)), DIM)])
        return ROWS / (time.perf_counter() - began)
    finally:
        await link.close()
