"""One view of all parameter servers: ask every shard at once, give one answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from monolith.checkpoint.files import FileEntry
from monolith.core.arrays import Fids, Flags, Rows, as_fids
from monolith.core.errors import ConfigError, TableNotFound
from monolith.ps.api import (
    Applied,
    Change,
    DenseTensors,
    Gradients,
    JobStats,
    Lookup,
    RestoreOrder,
    SaveOrder,
    Shard,
    Stamp,
)
from monolith.ps.barrier import Arrival
from monolith.ps.parting import EventTimes, Parting, refuse_strays
from monolith.ps.placement import Placement, in_turn
from monolith.ps.routing import Route
from monolith.ps.together import together
from monolith.table.config import TableConfig
from monolith.table.rows import Counts

T = TypeVar("T")
Updates = Mapping[str, tuple[Fids, Rows]]


class PsClient:
    """Tables, dense values and barriers of a job, whichever server holds them.

    A fid lives on shard `fid mod num_shards`. Any call raises ShardUnavailable when a server does not
    answer in time, and ShardRestarted when one answers that is not the one it began with.

    Args:
        shards: in order of their index.
        worker: 64 bits, *not* the worker's index; drawn unless given. Servers apply each change of a worker
            once; a restarted worker that kept its number would have its first changes taken for repetitions.
        place: which server keeps which dense value; the same for all workers.
    """

    def __init__(
        self, shards: Sequence[Shard], *, worker: int | None = None, place: Placement = in_turn
    ) -> None:
        if not shards:
            raise ConfigError(["Invalid configuration: at least one PS address is required"])
        self._shards = tuple(shards)
        self._worker = int.from_bytes(os.urandom(8)) if worker is None else worker
        self._sequence = count(1)
        self._dims: dict[str, int] = {}
        self._counting: set[str] = set()  # tables with occurrence thresholds
        self._place = place
        self._owners: dict[str, int] = {}

    @property
    def num_shards(self) -> int:
        return len(self._shards)

    async def connect(self) -> None:
        """See whether every server is there, all at once. Nothing needs this; it tells sooner, and plainer.

        Raises:
            ShardUnavailable: one is not; of those that fail together, the first.
        """
        await together(shard.connect() for shard in self._shards)

    async def create_tables(self, tables: Mapping[str, TableConfig]) -> None:
        """Create on every server what is not there yet. Must come before this client uses a table.

        Raises:
            TableConflict: a table is there with another definition.
        """
        await together(shard.create_tables(tables) for shard in self._shards)
        self._dims.update({name: config.dim for name, config in tables.items()})
        self._counting |= {name for name, config in tables.items() if not config.admits_all}

    async def lookup(
        self, wanted: Mapping[str, Fids], *, create: bool = True, unique: bool = False
    ) -> dict[str, Rows]:
        """Read rows (n, dim) for the n fids of each table, in the order asked; one call per server.

        With `create`, unknown ids get a row; without, they read as zeros. `unique` promises that no
        table's fids repeat.

        Raises:
            TableNotFound: a table that this client has not created.
        """
        parts = {name: self._part(name, fids, unique=unique) for name, fids in wanted.items()}

        def asked(shard: int) -> Iterable[Lookup]:
            for name, part in parts.items():
                yield Lookup(name, part.way.parts[shard], part.dim, create)

        rows: dict[str, list[Rows]] = {name: [] for name in parts}
        for request, found in await self._each(asked, lambda shard, requests: shard.lookup(requests)):
            rows[request.table].append(found.rows)
        return {name: part.way.join(rows[name], part.dim) for name, part in parts.items()}

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
            ConfigError: a rate is negative or not finite, a count is below 1, a time is before 1970 or after
                2106, or something is told of the fids of a table that is not among the updates.
            GradientNotFinite: a gradient is NaN or infinite, and its server refuses such.
        """
        refuse_strays(updates.keys(), latest=latest, counts=counts, times=times)
        told = {}
        for name, (fids, grads) in updates.items():
            part = self._part(name, fids, unique=unique)
            told[name] = part.told(
                part.summed(grads),
                learning_rates=tuple((learning_rates or {}).get(name, ())),
                step=step,
                parted={
                    "latest": part.last(latest[name]) if latest and name in latest else None,
                    "counts": part.counts((counts or {}).get(name)) if name in self._counting else None,
                    "times": part.times(times),
                },
            )
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
        parts = {name: self._part(name, fids) for name, fids in wanted.items() if name in self._dims}

        def asked(shard: int) -> Iterable[Lookup]:
            for name, part in parts.items():
                yield Lookup(name, part.way.parts[shard], part.dim, afresh=True)

        there: dict[str, list[Flags]] = {name: [] for name in wanted}
        for request, found in await self._each(asked, lambda shard, requests: shard.lookup(requests)):
            there[request.table].append(found.found)
        return {
            name: parts[name].way.joined(flags).astype(np.int8)
            if flags
            else np.full(len(wanted[name]), -1, np.int8)
            for name, flags in there.items()
        }

    async def push_dense(self, deltas: DenseTensors) -> dict[str, NDArray[np.float32]]:
        """Add each delta to the shared value of its name; returns the values after that.

        Raises:
            DenseNotFound: a name that was never set.
            DimensionMismatch: a delta of another size than its value.
        """
        stamp = self._stamp()
        return await self._dense(deltas, lambda shard, mine: shard.push_dense(mine, stamp))

    async def set_dense(self, values: DenseTensors, *, overwrite: bool) -> dict[str, NDArray[np.float32]]:
        """Set shared values that are not there yet, or all with `overwrite`; returns what is there then.

        Every worker must set the same names first, all in one call unless their `place` is by name.
        """
        self._owners |= self._place(values.keys() - self._owners.keys(), self.num_shards)
        return await self._dense(values, lambda shard, mine: shard.set_dense(mine, overwrite=overwrite))

    async def gather(
        self, name: str, worker: int, num_workers: int, payload: bytes, timeout_ms: int
    ) -> tuple[bytes, ...]:
        """Wait for all workers at barrier `name`; returns everyone's payload, by worker.

        Raises:
            BarrierTimedOut: not all came in time; this worker no longer counts as arrived.
            BarrierMisused: this worker is there already, is out of range, or expects another number; or
                there is no time or nobody to wait for.
        """
        _judge(Arrival(name, worker, num_workers), timeout_ms)
        return await self._shards[0].gather(name, worker, num_workers, payload, timeout_ms)

    async def save(self, folder: Path) -> list[FileEntry]:
        """Have every server write its rows into `folder`, which all of them see."""
        orders = [SaveOrder(folder, index, self.num_shards) for index in range(self.num_shards)]
        saved = await together(s.save(order) for s, order in zip(self._shards, orders, strict=True))
        return [entry for files in saved for entry in files]

    async def restore(self, folder: Path, files: Sequence[FileEntry]) -> int:
        """Have every server drop its rows and take those it owns from `files`; returns how many.

        The files may come from another number of servers.
        """
        orders = [RestoreOrder(folder, files, index, self.num_shards) for index in range(self.num_shards)]
        return sum(await together(s.restore(order) for s, order in zip(self._shards, orders, strict=True)))

    async def stats(self) -> JobStats:
        return JobStats(tuple(await together(shard.stats() for shard in self._shards)))

    async def close(self) -> None:
        await together(shard.close() for shard in self._shards)

    async def _write(self, updates: Updates, change: Change, times: EventTimes) -> Applied:
        refuse_strays(updates.keys(), times=times)
        told = {}
        for name, (fids, given) in updates.items():
            part = self._part(name, fids)
            rows = part.summed(given) if change is Change.ADD else part.last(given)
            told[name] = part.told(rows, change=change, parted={"times": part.times(times)})
        return await self._change(told)

    async def _change(self, told: Mapping[str, list[Gradients]]) -> Applied:
        """Tell each server its part of each table, by server."""
        stamp = self._stamp()

        def asked(shard: int) -> Iterable[Gradients]:
            return (parts[shard] for parts in told.values())

        done = await self._each(asked, lambda shard, requests: shard.apply(requests, stamp))
        return Applied(
            updated=sum(applied.updated for _, applied in done),
            inserted=sum(applied.inserted for _, applied in done),
            duplicate=any(applied.duplicate for _, applied in done),
        )

    async def _each(
        self,
        asked: Callable[[int], Iterable[Any]],
        call: Callable[[Shard, list[Any]], Coroutine[Any, Any, list[T]]],
    ) -> list[tuple[Any, T]]:
        """Each request that has ids with its answer, by shard; a shard with nothing to do is not asked."""
        work = {s: [r for r in asked(i) if len(r.fids)] for i, s in enumerate(self._shards)}
        busy = {shard: requests for shard, requests in work.items() if requests}
        answers = await together(call(shard, requests) for shard, requests in busy.items())
        return [
            pair
            for requests, said in zip(busy.values(), answers, strict=True)
            for pair in zip(requests, said, strict=True)
        ]

    async def _dense(
        self,
        tensors: DenseTensors,
        call: Callable[[Shard, DenseTensors], Coroutine[Any, Any, dict[str, NDArray[np.float32]]]],
    ) -> dict[str, NDArray[np.float32]]:
        mine = [
            {name: t for name, t in tensors.items() if self._owners.get(name, 0) == index}
            for index in range(self.num_shards)
        ]
        calls = (call(shard, held) for shard, held in zip(self._shards, mine, strict=True) if held)
        answered = {name: value for values in await together(calls) for name, value in values.items()}
        return {name: answered[name] for name in tensors}

    def _part(self, table: str, fids: Fids, *, unique: bool = False) -> Parting:
        if table not in self._dims:
            raise TableNotFound(table, known=tuple(self._dims))
        held = as_fids(fids)
        way = Route.of(held, self.num_shards, unique=unique)
        return Parting(table, held, self._dims[table], way)

    def _stamp(self) -> Stamp:
        return Stamp(self._worker, next(self._sequence))


def _judge(arrival: Arrival, timeout_ms: int) -> None:
    """Refuse what no server would grant, in the words of the reference's client."""
    for name, value in (("timeout_ms", timeout_ms), ("num_workers", arrival.num_workers)):
        if value <= 0:
            raise arrival.misused(f"{name} must be greater than zero")
    arrival.check(timeout_ms)
