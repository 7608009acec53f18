"""Which tables a model needs: columns whose rows are alike share one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import attrs

from monolith.estimator.columns import FeatureColumn
from monolith.estimator.learning_rates import LearningRate, rate_at
from monolith.table.config import TableConfig
from monolith.table.optimizer_config import compensation, own_rate, plain
from monolith.table.pooling import Combiner


@attrs.frozen
class PlannedTable:
    """One table, and the columns that live in it."""

    name: str
    config: TableConfig
    columns: tuple[FeatureColumn, ...]
    rates: tuple[LearningRate | None, ...]  # one a segment; None is the optimizer's own

    @property
    def pools(self) -> list[tuple[FeatureColumn, ...]]:
        """The columns, those together that can be pooled together."""
        alike: dict[tuple[Combiner, int], list[FeatureColumn]] = {}
        for column in self.columns:
            alike.setdefault((column.combiner, column.max_length), []).append(column)
        return [tuple(group) for group in alike.values()]

    @property
    def compensates(self) -> bool:
        """Whether an update wants to know which values its gradients were computed with."""
        return any(compensation(segment.optimizer) for segment in self.config.segments)

    def learning_rates(self, step: int) -> tuple[float, ...]:
        """One a segment at `step`; nothing at all where every segment keeps its own."""
        if all(rate is None for rate in self.rates):
            return ()
        return tuple(
            own_rate(segment.optimizer, step) if rate is None else rate_at(rate, step)
            for segment, rate in zip(self.config.segments, self.rates, strict=True)
        )


def plan_tables(columns: Sequence[FeatureColumn]) -> dict[str, PlannedTable]:
    """The tables for `columns` by name, in the columns' order.

    A column alone gives its name to its table. A shared table is called after its shape and its columns,
    `dim17-adagrad-<md5 of the sorted names, 8 digits>`, so that the name stays as long as the columns do.
    """
    groups: dict[tuple[object, ...], list[FeatureColumn]] = {}
    for column in columns:
        groups.setdefault((column.table_config, column.rates), []).append(column)
    tables = [
        PlannedTable(_name(group), group[0].table_config, tuple(group), group[0].rates)
        for group in groups.values()
    ]
    return {table.name: table for table in tables}


def configs(tables: Mapping[str, PlannedTable]) -> dict[str, TableConfig]:
    """What a parameter server is told of `tables`."""
    return {name: table.config for name, table in tables.items()}


def _name(group: Sequence[FeatureColumn]) -> str:
    first, *others = group
    if not others:
        return first.name
    names = ",".join(sorted(c.name for c in group))
    digest = hashlib.md5(names.encode(), usedforsecurity=False).hexdigest()[:8]
    return f"dim{first.width}-{type(plain(first.optimizer)).__name__.lower()}-{digest}"
