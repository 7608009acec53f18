"""What a caller says of the ids of one table, as what each server is told of those that it owns."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from monolith.core.arrays import Fids, Rows, as_rows
from monolith.core.errors import ConfigError
from monolith.ps.api import Gradients
from monolith.ps.routing import Route
from monolith.table.occurrences import counts_of, times_of
from monolith.table.rows import Counts, Times

# Of the fids of each table, or one for all; 0: not known.
EventTimes: TypeAlias = Mapping[str, Times | int] | int


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
        """How often each occurred, added up; None: as often as it is there, and all are there once.

        Raises:
            DimensionMismatch: there are not n of them.
            ConfigError: one is below 1.
        """
        held = counts_of(told, self.fids, self._name)
        if held is None and self.way.inverse is None:
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


def refuse_strays(tables: Set[str], **told: object) -> None:
    """Refuse what is told, by table, of the fids of others than `tables`: it would be lost.

    Raises:
        ConfigError: it names that table, and what was told of it.
    """
    for what, by_table in told.items():
        if isinstance(by_table, Mapping) and (strays := by_table.keys() - tables):
            there = ", ".join(sorted(tables)) or "none"
            said = f"{what} of table {min(strays)}: it is not among the updates (tables there: {there})"
            raise ConfigError([said])
