"""What a caller says of the ids of one table, as what each server is told of those that it owns."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np

from monolith.core.arrays import Fids, Rows, as_fids, as_rows
from monolith.core.errors import ConfigError, TableNotFound
from monolith.ps.api import Gradients, Lookup
from monolith.ps.routing import Route
from monolith.table.config import TableConfig
from monolith.table.occurrences import counts_of, times_of
from monolith.table.rows import Counts, Times
from monolith.table.steps import rates_of

# Of the fids of each table, or one for all; 0: not known.
EventTimes: TypeAlias = Mapping[str, Times | int] | int
Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class Parting:
    """The n `fids` of `table`, whose rows are `dim` long, and the way that they travel.

    What it parts comes back as a list, by server. Rows and numbers of a fid that occurs twice are brought
    together as each method says.
    """

    table: str
    fids: Fids
    dim: int
    way: Route
    counting: bool  # whether the table asks how often its fids occur

    def summed(self, rows: Rows) -> list[Rows]:
        """Rows (n, dim), those of one fid added up.

        Raises:
            DimensionMismatch: they are not n * dim numbers.
        """
        return self.way.split(self._checked(rows))

    def last(self, rows: Rows) -> list[Rows]:
        """Rows (n, dim), of those of one fid the last; raises as `summed`."""
        return self.way.split_last(self._checked(rows))

    def counts(self, told: Counts | None) -> list[Counts] | None:
        """How often each occurred, added up; None: nobody asks, or each as often as it is there, once.

        Raises:
            DimensionMismatch: there are not n of them.
            ConfigError: one is below 1.
        """
        held = counts_of(told, self.fids, self._name)
        if not self.counting or (held is None and self.way.inverse is None):
            return None
        each = np.ones(len(self.fids), np.int64) if held is None else held
        return self.way.split_numbers(each, np.add)

    def times(self, told: EventTimes) -> list[Times] | None:
        """When each occurred, the latest; None: nobody knows.

        Raises:
            DimensionMismatch: there are neither n of them nor one.
            ConfigError: one is before 1970 or after 2106.
        """
        mine = told.get(self.table) if isinstance(told, Mapping) else told
        held = times_of(mine, self.fids, self._name)
        return None if held is None else self.way.split_numbers(held, np.maximum)

    def rates(self, told: Mapping[str, Sequence[float]] | None) -> tuple[float, ...]:
        """Learning rates, for whichever server; none: the table's own.

        Raises:
            ConfigError: they are no sequence of numbers.
        """
        return rates_of((told or {}).get(self.table, ()), self._name)

    def lookups(self, into: Rows | None = None, **how: bool) -> list[Lookup]:
        """What each server is asked: its part, whose rows go `into` the room of the way, if it is given."""
        places = [None] * len(self.way.parts) if into is None else self.way.places(into)
        return [
            Lookup(self.table, fids, self.dim, into=place, **how)
            for fids, place in zip(self.way.parts, places, strict=True)
        ]

    def told(
        self, grads: list[Rows], *, parted: Mapping[str, list[Any] | None], **whole: Any
    ) -> list[Gradients]:
        """What each server is told: its part of `grads` and what is `parted`, and all of what is `whole`."""

        def one(shard: int) -> Gradients:
            mine = {name: parts[shard] for name, parts in parted.items() if parts is not None}
            return Gradients(self.table, self.way.parts[shard], grads[shard], **mine, **whole)

        return [one(shard) for shard in range(len(grads))]

    @property
    def _name(self) -> str:
        return f"table {self.table}"

    def _checked(self, rows: Rows) -> Rows:
        return as_rows(rows, len(self.fids), self.dim)


class KnownTables:
    """What a client knows of the tables that it has created, on each of so many shards."""

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self._known: dict[str, tuple[int, bool]] = {}  # dim, and whether it asks how often fids occur

    def add(self, tables: Mapping[str, TableConfig]) -> None:
        self._known.update({name: (config.dim, not config.admits_all) for name, config in tables.items()})

    def __contains__(self, table: str) -> bool:
        return table in self._known

    def part(self, table: str, fids: Fids, *, unique: bool = False) -> Parting:
        """The fids as they travel; `unique` promises that none occurs twice.

        Raises:
            TableNotFound: a table that is not known.
            ConfigError: fids that are no whole numbers.
        """
        if table not in self:
            raise TableNotFound(table, known=tuple(self._known))
        held = as_fids(fids)
        dim, counting = self._known[table]
        return Parting(table, held, dim, Route.of(held, self._shards, unique=unique), counting)


def refuse_names(tables: Iterable[object]) -> None:
    """Refuse names of tables that could not travel.

    Raises:
        ConfigError: one is no text, or empty.
    """
    for name in tables:
        if not isinstance(name, str) or not name:
            raise ConfigError([f"name of a table {name!r}: must be a text, and not empty"])


def by_tables(told: Mapping[str, Told], what: str) -> Mapping[str, Told]:
    """`told`, which is `what` it is called in errors.

    Raises:
        ConfigError: it is told, but not by table.
    """
    if not isinstance(told, Mapping):
        raise ConfigError([f"{what} {reprlib.repr(told)}: must be a mapping from tables"])
    return told


def pairs(updates: Mapping[str, tuple[Fids, Rows]]) -> Iterator[tuple[str, Fids, Rows]]:
    """The fids of each table, and a row for each.

    Raises:
        ConfigError: some are no such pair.
    """
    for name, told in updates.items():
        if not isinstance(told, tuple) or len(told) != 2:
            raise ConfigError([f"update {reprlib.repr(told)} of table {name}: must be (fids, rows)"])
        yield name, *told


def refuse_strays(tables: Set[str], times: EventTimes, **told: Mapping[str, Any] | None) -> None:
    """Refuse what is told, by table, of others than `tables`: it would be lost. None: nothing is told.

    Raises:
        ConfigError: it names that table, and what was told of it; or what is told, but not by table.
    """
    for what, each in (told | {"times": times if isinstance(times, Mapping) else None}).items():
        if each is not None and (strays := by_tables(each, what).keys() - tables):
            there = ", ".join(sorted(tables)) or "none"
            said = f"{what} of table {min(strays)}: it is not among the updates (tables there: {there})"
            raise ConfigError([said])
