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
from monolith.core.arrays import Fids, Flags, Rows, as_fids, as_rows
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
from monolith.ps.placement import Placement, in_turn
from monolith.ps.routing import Route
from monolith.ps.together import together
from monolith.table.config import TableConfig
from monolith.table.occurrences import counts_of, times_of
from monolith.table.rows import Counts, Times

T = TypeVar("T")
Updates = Mapping[str, tuple[Fids, Rows]]
EventTimes = Mapping[str, Times | int] | int  # of the fids of each table, or one for all; 0: not known


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
        ways = {name: self._route(name, fids, unique) for name, fids in wanted.items()}

        def asked(shard: int) -> Iterable[Lookup]:
            for name, way in ways.items():
                yield Lookup(name, way.parts[shard], self._dims[name], create)

        rows: dict[str, list[Rows]] = {name: [] for name in ways}
        for request, found in await self._each(asked, lambda shard, requests: shard.lookup(requests)):
            rows[request.table].append(found.rows)
        return {name: way.join(rows[name], self._dims[name]) for name, way in ways.items()}

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
            ConfigError: a rate is negative or not finite, a count is below 1, or a time is before 1970 or
                after 2106.
            GradientNotFinite: a gradient is NaN or infinite, and its server refuses such.
        """
        ways = {name: self._route(name, fids, unique) for name, (fids, _) in updates.items()}
        grads = {
            name: ways[name].split(as_rows(given, len(as_fids(fids)), self._dims[name]))
            for name, (fids, given) in updates.items()
        }
        rates = {name: tuple(values) for name, values in (learning_rates or {}).items()}
        known = {
            name: ways[name].split_last(as_rows(rows, len(as_fids(updates[name][0])), self._dims[name]))
            for name, rows in (latest or {}).items()
        }

        often = self._counted(updates, ways, counts or {})
        when = _timed(updates, ways, times)

        def asked(shard: int) -> Iterable[Gradients]:
            for name, way in ways.items():
                yield Gradients(
                    name,
                    way.parts[shard],
                    grads[name][shard],
                    rates.get(name, ()),
                    step,
                    latest=known[name][shard] if name in known else None,
                    counts=often[name][shard] if name in often else None,
                    times=when[name][shard] if name in when else None,
                )

        return await self._change(asked)

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
        ways = {
            name: self._route(name, fids, unique=False) for name, fids in wanted.items() if name in self._dims
        }

        def asked(shard: int) -> Iterable[Lookup]:
            for name, way in ways.items():
                yield Lookup(name, way.parts[shard], self._dims[name], afresh=True)

        there: dict[str, list[Flags]] = {name: [] for name in wanted}
        for request, found in await self._each(asked, lambda shard, requests: shard.lookup(requests)):
            there[request.table].append(found.found)
        return {
            name: ways[name].joined(flags).astype(np.int8)
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
        ways = {name: self._route(name, fids, unique=False) for name, (fids, _) in updates.items()}
        rows = {}
        for name, (fids, given) in updates.items():
            whole = as_rows(given, len(as_fids(fids)), self._dims[name])
            rows[name] = (ways[name].split if change is Change.ADD else ways[name].split_last)(whole)

        when = _timed(updates, ways, times)

        def asked(shard: int) -> Iterable[Gradients]:
            for name, way in ways.items():
                at = when[name][shard] if name in when else None
                yield Gradients(name, way.parts[shard], rows[name][shard], change=change, times=at)

        return await self._change(asked)

    def _counted(
        self, updates: Updates, ways: Mapping[str, Route], counts: Mapping[str, Counts]
    ) -> dict[str, list[Counts]]:
        """How often the ids of each shard occurred, for tables that ask."""
        often = {}
        for name in updates.keys() & self._counting:
            fids = as_fids(updates[name][0])
            told = counts_of(counts.get(name), fids, f"table {name}")
            if told is not None or ways[name].inverse is not None:
                each = np.ones(len(fids), np.int64) if told is None else told
                often[name] = ways[name].split_numbers(each, np.add)
        return often

    async def _change(self, asked: Callable[[int], Iterable[Gradients]]) -> Applied:
        stamp = self._stamp()
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

    def _route(self, table: str, fids: Fids, unique: bool) -> Route:
        if table not in self._dims:
            raise TableNotFound(table, known=tuple(self._dims))
        return Route.of(as_fids(fids), self.num_shards, unique=unique)

    def _stamp(self) -> Stamp:
        return Stamp(self._worker, next(self._sequence))


def _judge(arrival: Arrival, timeout_ms: int) -> None:
    """Refuse what no server would grant, in the words of the reference's client."""
    for name, value in (("timeout_ms", timeout_ms), ("num_workers", arrival.num_workers)):
        if value <= 0:
            raise arrival.misused(f"{name} must be greater than zero")
    arrival.check(timeout_ms)


def _timed(updates: Updates, ways: Mapping[str, Route], times: EventTimes) -> dict[str, list[Times]]:
    """When the ids of each shard occurred, for tables of which that is known."""
    when = {}
    for name, (fids, _) in updates.items():
        given = times.get(name) if isinstance(times, Mapping) else times
        told = times_of(given, as_fids(fids), f"table {name}")
        if told is not None:
            when[name] = ways[name].split_numbers(told, np.maximum)
    return when
