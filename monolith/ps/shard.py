"""A parameter server in this process."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

from monolith.checkpoint.files import FileEntry
from monolith.config.bad_gradients import BadGradients
from monolith.ps.api import (
    Applied,
    DenseTensors,
    Found,
    Gradients,
    Lookup,
    RestoreOrder,
    SaveOrder,
    ShardStats,
    Stamp,
)
from monolith.ps.barrier import Arrival
from monolith.ps.counts import Clock
from monolith.ps.dense import Values
from monolith.ps.state import RandomBytes, ShardState
from monolith.table.config import TableConfig


class LocalShard:
    """A `Shard` without a socket. May be used from several event loops at once.

    Args:
        shard: its index among the servers.
        seed: of the values that unseen rows start with; the same on every server of a job.
        default_dim: length of the rows of a table that a lookup of the reference protocol creates without
            saying how long they are; None refuses such a lookup.
        bad_gradients: what becomes of gradients that are NaN or infinite.
        memory_budget_bytes: of all tables together; beyond it the least recently updated rows leave.
        random: n -> n random bytes; draws the incarnation.
        clock: seconds, for uptime and latencies.
    """

    def __init__(
        self,
        shard: int,
        *,
        seed: int = 0,
        default_dim: int | None = None,
        bad_gradients: BadGradients = BadGradients.REFUSE,
        memory_budget_bytes: int | None = None,
        random: RandomBytes = os.urandom,
        clock: Clock = time.monotonic,
    ) -> None:
        self.state = ShardState(
            shard,
            seed=seed,
            default_dim=default_dim,
            bad_gradients=bad_gradients,
            memory_budget_bytes=memory_budget_bytes,
            random=random,
            clock=clock,
        )

    @property
    def incarnation(self) -> int:
        return self.state.incarnation

    async def connect(self) -> None:
        """Do nothing: it is here."""

    async def create_tables(self, tables: Mapping[str, TableConfig]) -> None:
        self.state.create_tables(tables)

    async def lookup(self, requests: Sequence[Lookup]) -> list[Found]:
        return self.state.lookup(requests)

    async def apply(self, requests: Sequence[Gradients], stamp: Stamp) -> list[Applied]:
        return self.state.apply(requests, stamp)

    async def push_dense(self, deltas: DenseTensors, stamp: Stamp) -> Values:
        return self.state.push_dense(deltas, stamp)

    async def set_dense(self, values: DenseTensors, *, overwrite: bool) -> Values:
        return self.state.set_dense(values, overwrite=overwrite)

    async def gather(
        self, barrier: str, worker: int, num_workers: int, payload: bytes, timeout_ms: int
    ) -> tuple[bytes, ...]:
        return await self.state.meetings.meet_async(
            Arrival(barrier, worker, num_workers, payload), timeout_ms
        )

    async def save(self, order: SaveOrder) -> list[FileEntry]:
        return self.state.save(order)

    async def restore(self, order: RestoreOrder) -> int:
        return self.state.restore(order)

    async def stats(self) -> ShardStats:
        return self.state.stats()

    async def close(self) -> None:
        """Do nothing: others may share this shard, and it holds nothing but memory."""
