"""One view of all parameter servers: what a job may ask of them, each question with one answer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monolith.checkpoint.files import FileEntry
from monolith.core.arrays import Fids, Flags, Rows, as_fids
from monolith.ps.api import (
    Applied,
    Change,
    DenseTensors,
    Gradients,
    JobStats,
    RestoreOrder,
    SaveOrder,
    Shard,
    Stamp,
)
from monolith.ps.barrier import Arrival
from monolith.ps.dense import Values
from monolith.ps.parting import EventTimes, KnownTables, by_tables, pairs, refuse_names, refuse_strays
from monolith.ps.placement import Placement, in_turn
from monolith.ps.shards import Shards
from monolith.table.config import TableConfig
from monolith.table.rows import Counts
from monolith.table.steps import step_of

Updates = Mapping[str, tuple[Fids, Rows]]


class PsClient:
    """Tables, dense values and barriers of a job, whichever server holds them.

    A fid lives on shard `fid mod num_shards`. Any call raises ShardUnavailable when a server does not
    answer in time, and ShardRestarted when one answers that is not the one it began with. Arrays that are
    given to a call must not change until it has ended.

    Args:
        shards: in order of their index.
        worker: 64 bits, *not* the worker's index; drawn unless given. Servers apply each change of a worker
            once; a restarted worker that kept its number would have its first changes taken for repetitions.
        place: which server keeps which dense value; the same for all workers.
    """

    def __init__(
        self, shards: Sequence[Shard], *, worker: int | None = None, place: Placement = in_turn
    ) -> None:
        self._shards = Shards(shards, place)
        self._tables = KnownTables(len(shards))
        self._worker = int.from_bytes(os.urandom(8)) if worker is None else worker
        self._sequence = count(1)

    @property
    def num_shards(self) -> int:
        """How many servers there are."""
        return len(self._shards)

    async def create_tables(self, tables: Mapping[str, TableConfig]) -> None:
        """Create on every server what is not there yet. Must come before this client uses a table.

        Raises:
            ConfigError: a name is no text, or empty.
            TableConflict: a table is there with another definition.
        """
        refuse_names(tables)
        await self._shards.all(lambda shard, _: shard.create_tables(tables))
        self._tables.add(tables)

    async def lookup(
        self, wanted: Mapping[str, Fids], *, create: bool = True, unique: bool = False
    ) -> dict[str, Rows]:
        """Read rows (n, dim), float32, for the n int64 fids of each table; one call per server.

        Rows come in the order asked. With `create`, unknown ids get a row; without, they read as zeros.
        `unique` promises that no table's fids repeat.

        Raises:
            TableNotFound: a table that this client has not created.
            ConfigError: fids that are no whole numbers, or not told by table.
        """
        asked_for = by_tables(wanted, "ids").items()
        parts = {name: self._tables.part(name, fids, unique=unique) for name, fids in asked_for}
        rows = {name: part.way.room(part.dim) for name, part in parts.items()}
        asked = [part.lookups(rows[name], create=create) for name, part in parts.items()]
        await self._shards.parted(asked, lambda shard, mine: shard.lookup(mine))
        return {name: part.way.answer(rows[name]) for name, part in parts.items()}

    async def apply(
        self,
        updates: Updates,
        *,
        learning_rates: Mapping[str, Sequence[float]] | None = None,
        step: int = 0,
        unique: bool = False,
        latest: Mapping[str, Rows] | None = None,
        counts: Mapping[str, Counts] | None = None,
        times: EventTimes = 0,
    ) -> Applied:
        """Send gradients (n, dim) for the n fids of each table; one call per server.

        Gradients of one id are added up first. Returns counts of unique ids, summed over tables and servers.
        `latest` holds, of tables that compensate for delay, the values (n, dim) that were looked up.

        `counts` say how often each of the n occurred, once where they do not say; those of one id are added
        up too. `times` say when, in seconds since 1970; of those of one id the latest counts.

        Raises:
            TableNotFound: a table that this client has not created.
            DimensionMismatch: gradients or latest values that are not n * dim, or not n counts or times.
            ConfigError: rates are no numbers, or one is negative or not finite, the step is negative or not
                whole, a count is below 1, a time is before 1970 or after 2106, or something is told of a
                table that is not among the updates, or not by table.
            GradientNotFinite: a gradient is NaN or infinite, and its server refuses such.
        """
        updated = by_tables(updates, "updates").keys()
        refuse_strays(updated, times, learning_rates=learning_rates, latest=latest, counts=counts)
        at = step_of(step, "an update")
        told = []
        for name, fids, grads in pairs(updates):
            part = self._tables.part(name, fids, unique=unique)
            summed = part.summed(grads)
            parted = {
                "latest": part.last(latest[name]) if latest and name in latest else None,
                "counts": part.counts((counts or {}).get(name)),
                "times": part.times(times),
            }
            rates = part.rates(learning_rates)
            told.append(part.told(summed, parted=parted, learning_rates=rates, step=at))
        return await self._change(told)

    async def assign(self, updates: Updates, *, times: EventTimes = 0) -> Applied:
        """Set the values of rows (n, dim); of a fid that occurs twice the last. As `apply` otherwise."""
        return await self._write(updates, Change.ASSIGN, times)

    async def assign_add(self, updates: Updates, *, times: EventTimes = 0) -> Applied:
        """Add (n, dim) to the values of rows, for a fid that occurs twice both. As `apply` otherwise."""
        return await self._write(updates, Change.ADD, times)

    async def reinitialize(self, wanted: Mapping[str, Fids]) -> dict[str, NDArray[np.int8]]:
        """Let rows be as they start, values and optimizers' state.

        Returns:
            for each of a table's n fids 1 where there was a row, 0 where it is new, and -1 if this client has
            created no such table.
        """
        ids = {name: as_fids(fids) for name, fids in by_tables(wanted, "ids").items()}
        parts = {name: self._tables.part(name, fids) for name, fids in ids.items() if name in self._tables}
        there: dict[str, list[Flags]] = {name: [] for name in parts}
        asked = [part.lookups(afresh=True) for part in parts.values()]
        for request, found in await self._shards.parted(asked, lambda shard, mine: shard.lookup(mine)):
            there[request.table].append(found.found)
        unknown = {name: np.full(len(fids), -1, np.int8) for name, fids in ids.items()}
        return unknown | {name: part.way.joined(there[name]).astype(np.int8) for name, part in parts.items()}

    async def push_dense(self, deltas: DenseTensors) -> Values:
        """Add each delta to the shared value of its name; returns the values after that.

        Raises:
            DenseNotFound: a name that was never set.
            DimensionMismatch: a delta of another size than its value.
        """
        stamp = self._stamp()
        return await self._shards.dense(deltas, lambda shard, mine: shard.push_dense(mine, stamp))

    async def set_dense(self, values: DenseTensors, *, overwrite: bool) -> Values:
        """Set shared values that are not there yet, or all with `overwrite`; returns what is there then.

        Every worker must set the same names first, all in one call unless their `place` is by name.
        """
        self._shards.place(values.keys())
        return await self._shards.dense(values, lambda s, mine: s.set_dense(mine, overwrite=overwrite))

    async def gather(
        self, name: str, worker: int, num_workers: int, payload: bytes, timeout_ms: int
    ) -> tuple[bytes, ...]:
        """Wait `timeout_ms` for all workers at barrier `name`; returns everyone's payload, by worker.

        Raises:
            BarrierTimedOut: not all came in time; this worker no longer counts as arrived.
            BarrierMisused: this worker is there already, is out of range, or expects another number; or
                there is no time or nobody to wait for.
        """
        _judge(Arrival(name, worker, num_workers), timeout_ms)
        return await self._shards[0].gather(name, worker, num_workers, payload, timeout_ms)

    async def save(self, folder: Path) -> list[FileEntry]:
        """Have every server write its rows into `folder`, which is there and which all of them see.

        Returns what was written, for `restore`.

        Raises:
            CheckpointError: a server cannot write there; it names the file.
        """
        saved = await self._shards.all(lambda shard, i: shard.save(SaveOrder(folder, i, self.num_shards)))
        return [entry for files in saved for entry in files]

    async def restore(self, folder: Path, files: Sequence[FileEntry]) -> int:
        """Have every server drop its rows and take those it owns from `files`; returns how many.

        The files may come from another number of servers. Tables of which there are none are empty then.

        Raises:
            TableNotFound: files of a table that was not created: upstream would leave them out unsaid.
            CheckpointError: a file is missing, is not what it was, or is of another filter than the table's.
            DimensionMismatch: rows of another length than the table's.
        """
        shards = self.num_shards
        return sum(await self._shards.all(lambda s, i: s.restore(RestoreOrder(folder, files, i, shards))))

    async def stats(self) -> JobStats:
        """What each server holds and was asked, in order of their index."""
        return JobStats(tuple(await self._shards.all(lambda shard, _: shard.stats())))

    async def close(self) -> None:
        """Close the connections; servers serve on."""
        await self._shards.all(lambda shard, _: shard.close())

    async def _write(self, updates: Updates, change: Change, times: EventTimes) -> Applied:
        refuse_strays(by_tables(updates, "updates").keys(), times)
        told = []
        for name, fids, given in pairs(updates):
            part = self._tables.part(name, fids)
            rows = part.summed(given) if change is Change.ADD else part.last(given)
            told.append(part.told(rows, change=change, parted={"times": part.times(times)}))
        return await self._change(told)

    async def _change(self, told: Iterable[list[Gradients]]) -> Applied:
        """Tell each server its part of each table."""
        stamp = self._stamp()
        done = await self._shards.parted(told, lambda shard, mine: shard.apply(mine, stamp))
        return Applied(
            updated=sum(applied.updated for _, applied in done),
            inserted=sum(applied.inserted for _, applied in done),
            duplicate=any(applied.duplicate for _, applied in done),
        )

    def _stamp(self) -> Stamp:
        return Stamp(self._worker, next(self._sequence))


def _judge(arrival: Arrival, timeout_ms: int) -> None:
    """Refuse what no server would grant, in the words of the reference's client."""
    for name, value in (("timeout_ms", timeout_ms), ("num_workers", arrival.num_workers)):
        if value <= 0:
            raise arrival.misused(f"{name} must be greater than zero")
    arrival.check(timeout_ms)
