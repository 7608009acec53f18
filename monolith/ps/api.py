"""What a parameter server does, as one protocol with two answers: in process and over a channel.

Everything here is numpy and small frozen values. A request names its table; the requests of one call
travel together, and their results come back in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from monolith.checkpoint.files import FileEntry
from monolith.core.arrays import Fids, Flags, Floats, Rows
from monolith.ps.destination import Destination
from monolith.table.config import TableConfig
from monolith.table.rows import Counts, Times
from monolith.table.stats import TableReport


@dataclass(frozen=True, slots=True)
class Lookup:
    """Read the rows of `fids` (unique). With `create`, unknown ids get a row; without, they read as zeros.

    With `afresh`, rows are first made as they start, values and optimizers' state. Rows go `into` an array of
    float32, as they come, if one is given; what it holds after an error is unknown.
    """

    table: str
    fids: Fids
    dim: int
    create: bool = True
    afresh: bool = False
    into: Destination | None = None

    def going_into(self, into: Destination) -> Lookup:
        """The same, with rows that go there. In full, for `replace` takes four times as long."""
        return Lookup(self.table, self.fids, self.dim, self.create, self.afresh, into)


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a `Lookup`: `rows` (n, dim), and which ids existed before the call.

    Here are no rows if the lookup says where they go. Else they may be views of the message that brought
    them, and keep all of it in memory.
    """

    rows: Rows
    found: Flags
    initialized: int  # rows that this call created

    def put(self, into: Destination) -> Found:
        """Let the rows go `into` the array that was given for them; the rest of the answer."""
        into.put(self.rows)
        none = np.empty((0, self.rows.shape[1]), np.float32)
        return Found(none, self.found.copy(), self.initialized)  # no views: they keep the whole message alive


class Change(StrEnum):
    """What an update does: a step of the optimizer, or its numbers become the values or are added to them."""

    LEARN = "learn"
    ASSIGN = "assign"
    ADD = "add"


@dataclass(frozen=True, slots=True)
class Gradients:
    """Update the rows of `fids` (unique); unknown ids are initialised first.

    `learning_rates` holds one rate per segment, or one for all, or none: then the table's own are used.
    `latest` are the values that the gradients were computed with, for optimizers that compensate for delay.
    `counts` and `times` say how often each id occurred, and when; None: once each, at a time nobody knows.
    """

    table: str
    fids: Fids
    grads: Rows  # (n, dim)
    learning_rates: tuple[float, ...] = ()
    step: int = 0
    change: Change = Change.LEARN
    latest: Rows | None = None  # (n, dim)
    counts: Counts | None = None
    times: Times | None = None

    @property
    def row_bytes(self) -> int:
        """Of what is sent for one fid, without the fid."""
        words = sum(numbers is not None for numbers in (self.counts, self.times))
        return 4 * (int(self.grads.shape[1]) * (1 if self.latest is None else 2) + words)

    def of(self, some: slice | Flags) -> Gradients:
        """The same for some of the fids."""
        held = {name: getattr(self, name) for name in ("fids", "grads", "latest", "counts", "times")}
        parts: dict[str, Any] = {name: array[some] for name, array in held.items() if array is not None}
        return replace(self, **parts)


@dataclass(frozen=True, slots=True)
class Applied:
    """The answer to `Gradients`. `duplicate` says that this sequence had been applied before."""

    updated: int
    inserted: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who sends a change, and the how-manieth it is: a server applies each stamp at most once."""

    worker: int  # drawn at random when a worker starts, 64 bits, so that a restarted worker is another one
    sequence: int
    part: int = 0  # of a change that travels in several messages


@dataclass(frozen=True, slots=True)
class TableStats:
    """One table of one server; a server of another program tells no `report`."""

    name: str
    rows: int
    dim: int
    memory_bytes: int
    report: TableReport | None = None


@dataclass(frozen=True, slots=True)
class ShardStats:
    """One server since it started."""

    shard: int
    incarnation: int
    uptime_s: float
    tables: tuple[TableStats, ...]
    lookups: int
    applies: int
    lookup_us: int  # mean per call
    apply_us: int
    memory_budget_bytes: int = 0  # of all tables together; 0: there is none
    evicted_for_memory: int = 0  # rows that left to keep it


DenseTensors = Mapping[str, Floats]  # any shape


@dataclass(frozen=True, slots=True)
class SaveOrder:
    """Write every table's rows into `folder`, which all servers see, as shard `shard` of `shards`."""

    folder: Path
    shard: int
    shards: int


@dataclass(frozen=True, slots=True)
class RestoreOrder:
    """Drop all rows, then take from `files` those that shard `shard` of `shards` owns."""

    folder: Path
    files: Sequence[FileEntry]
    shard: int
    shards: int


class Shard(Protocol):
    """One parameter server. `incarnation` is drawn when it starts; 0 until it has answered.

    `connect` sees whether it is there, or raises ShardUnavailable; the other calls see to that by themselves.
    The rows of a lookup may be read-only.
    """

    @property
    def incarnation(self) -> int: ...
    async def connect(self) -> None: ...
    async def create_tables(self, tables: Mapping[str, TableConfig]) -> None: ...
    async def lookup(self, requests: Sequence[Lookup]) -> list[Found]: ...
    async def apply(self, requests: Sequence[Gradients], stamp: Stamp) -> list[Applied]: ...
    async def push_dense(self, deltas: DenseTensors, stamp: Stamp) -> dict[str, NDArray[np.float32]]: ...
    async def set_dense(self, values: DenseTensors, *, overwrite: bool) -> dict[str, NDArray[np.float32]]: ...
    async def gather(
        self, barrier: str, worker: int, num_workers: int, payload: bytes, timeout_ms: int
    ) -> tuple[bytes, ...]: ...
    async def save(self, order: SaveOrder) -> list[FileEntry]: ...
    async def restore(self, order: RestoreOrder) -> int: ...
    async def stats(self) -> ShardStats: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class JobStats:
    """What all servers said, one entry a shard."""

    shards: tuple[ShardStats, ...] = field(default_factory=tuple)

    @property
    def rows(self) -> int:
        return sum(t.rows for s in self.shards for t in s.tables)
