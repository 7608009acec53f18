"""The tables of one server, by name."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from monolith.config.bad_gradients import BadGradients
from monolith.core.arrays import Fids, Rows
from monolith.core.choice import choice
from monolith.core.errors import DimensionMismatch, TableConflict, TableNotFound
from monolith.ps.api import Applied, Change, Found, Gradients, Lookup, TableStats
from monolith.ps.counts import Clock
from monolith.table.budget import Budget
from monolith.table.config import TableConfig
from monolith.table.steps import Step
from monolith.table.table import Table

Update: TypeAlias = tuple[Table, Step, Change]  # `grads` are what is assigned or added, if it is no step


class Tables:
    """Tables are created once and stay. Safe from many threads; each table has its own lock.

    With `budget_bytes`, all of them together take no more. The clock gives seconds, for the log only.
    """

    def __init__(
        self,
        shard: int,
        seed: int,
        bad_gradients: BadGradients = BadGradients.REFUSE,
        *,
        budget_bytes: int | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._shard = shard
        self._seed = seed
        self._bad_gradients = choice(BadGradients, bad_gradients, "bad_gradients")
        self._lock = threading.Lock()
        self._by_name: dict[str, Table] = {}
        self.budget = None if budget_bytes is None else Budget(self.items, budget_bytes, clock)

    def create(self, configs: Mapping[str, TableConfig]) -> None:
        """Create those that are not there: all, or none if one is there and differs.

        Raises:
            TableConflict: it differs.
            ConfigError: a budget does not reach for one row: the table's own, or that of all of them.
        """
        with self._lock:
            for name, config in configs.items():
                there = self._by_name.get(name)
                if there is not None and there.config != config:
                    raise TableConflict(name, str(there.config), str(config), shard=self._shard)
            made = {name: self._new(config) for name, config in configs.items() if name not in self._by_name}
            if self.budget:
                self.budget.admit((self._by_name | made).values())
            self._by_name = self._by_name | made  # another mapping, for `items` asks for no lock

    def _new(self, config: TableConfig) -> Table:
        dated = self.budget is not None
        return Table(config, seed=self._seed, bad_gradients=self._bad_gradients, dated=dated)

    def get(self, name: str) -> Table:
        """The table of that name.

        Raises:
            TableNotFound: it was not created.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise TableNotFound(name, known=tuple(self._by_name), shard=self._shard) from None

    def lookup(self, requests: Sequence[Lookup]) -> list[Found]:
        """Answer each request, after judging all of them."""
        tables = [self._of_dim(r.table, r.dim) for r in requests]
        found = [_look_up(*one) for one in zip(tables, requests, strict=True)]
        if any(one.initialized for one in found):
            self.hold()
        return found

    def judge(self, requests: Sequence[Gradients]) -> list[Update]:
        """What `apply` takes; changes nothing.

        Raises:
            TableNotFound: a table was not created.
            DimensionMismatch: gradients that do not fit the ids and the table, or rates its segments.
            ConfigError: a rate is negative or not finite, a step is negative, or a change is none.
            GradientNotFinite: a gradient is NaN or infinite, and such are refused here.
        """
        tables = [self.get(request.table) for request in requests]
        changes = [choice(Change, r.change, f"change of table {r.table}") for r in requests]
        steps = [_judged(*one) for one in zip(tables, requests, strict=True)]
        return list(zip(tables, steps, changes, strict=True))

    def apply(self, updates: Sequence[Update]) -> list[Applied]:
        """Make each update that was judged, in order. Rows come and filters grow, so `hold` has to follow."""
        return [_made(*update) for update in updates]

    def hold(self) -> None:
        """If the budget has next to no room left, wait until rows have left."""
        if self.budget:
            self.budget.hold()

    def stats(self) -> tuple[TableStats, ...]:
        return tuple(_stats(name, table) for name, table in self.items())

    def items(self) -> Iterator[tuple[str, Table]]:
        """Every table that there is now, by name. Does not wait for those that are being made."""
        return iter(sorted(self._by_name.items()))

    def _of_dim(self, name: str, dim: int) -> Table:
        table = self.get(name)
        if table.dim != dim:
            raise DimensionMismatch(table.dim, dim, what=f"table {name}", shard=self._shard)
        return table


def _made(table: Table, step: Step, change: Change) -> Applied:
    asked = len(step.fids)
    match change:
        case Change.LEARN:
            taken = table.take(step)
            return Applied(asked - taken.filtered, taken.created)
        case Change.ASSIGN:
            return Applied(asked, table.assign(step.fids, step.grads, times=step.times))
        case Change.ADD:
            return Applied(asked, table.assign_add(step.fids, step.grads, times=step.times))


def _stats(name: str, table: Table) -> TableStats:
    report = table.stats()
    return TableStats(name, report.usage.rows, table.dim, report.memory_bytes, report)


def _look_up(table: Table, request: Lookup) -> Found:
    room = request.into.whole if request.into else None
    if request.afresh:
        found = _afresh(table, request.fids, room)
    else:
        found = Found(*table.look_up(request.fids, create=request.create, out=room))
    return found.put(request.into) if request.into else found


def _afresh(table: Table, fids: Fids, room: Rows | None) -> Found:
    found = table.reinitialize(fids)
    rows = table.look_up(fids, create=False, out=room).rows
    return Found(rows, found, initialized=len(found) - int(np.count_nonzero(found)))


def _judged(table: Table, request: Gradients) -> Step:
    asked = Step(
        request.fids,
        request.grads,
        request.learning_rates,
        request.step,
        request.latest,
        request.counts,
        request.times,
    )
    return table.judge(asked, of=f"table {request.table}")
