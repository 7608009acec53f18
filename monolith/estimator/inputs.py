"""From a batch of ids to the tensors a module takes, and from their gradients back to the tables.

Each table is asked once a step: the ids of all its columns together, each id once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from monolith.aio.in_turn import InTurn, answered
from monolith.core.arrays import Fids, Rows, Splits, splits_of
from monolith.core.batch import Batch, Ragged
from monolith.core.errors import SchemaError
from monolith.estimator.columns import FeatureColumn
from monolith.estimator.tables import PlannedTable
from monolith.table.dedup import dedup
from monolith.table.pooling import pool, unpool
from monolith.table.rows import Counts, Times

if TYPE_CHECKING:
    from monolith.ps.api import Applied
    from monolith.ps.blocking import BlockingClient


@dataclass(frozen=True, slots=True)
class Pool:
    """Columns that are pooled by one call, as if they were one feature of len(columns) * B examples."""

    columns: tuple[FeatureColumn, ...]
    inverse: NDArray[np.int64]  # (V,) into the table's unique ids
    row_splits: Splits  # (len(columns) * B + 1,)

    def forward(self, rows: Rows) -> torch.Tensor:
        """Float32 [len(columns), B, *shape], which asks for its gradient."""
        first = self.columns[0]
        pooled = pool(rows, self.inverse, self.row_splits, first.combiner, first.max_length)
        stacked = torch.from_numpy(pooled).view(len(self.columns), -1, *first.shape)
        return stacked.requires_grad_()

    def backward(self, grad: torch.Tensor, into: Rows) -> None:
        first = self.columns[0]
        flat = grad.numpy().reshape(-1, *first.shape)
        unpool(flat, self.inverse, self.row_splits, first.combiner, first.max_length, into)


@dataclass(frozen=True, slots=True)
class TableIds:
    """What one batch asks of one table."""

    unique: Fids
    pools: tuple[Pool, ...]
    counts: Counts | None  # how often each of `unique` occurs, where the table asks
    times: Times | None  # of the latest example it occurs in, where the examples know


@dataclass(frozen=True, slots=True)
class Embedded:
    """A batch's embeddings. `leaves` are what the gradients arrive at, one tensor a pool.

    `rows` are what was looked up in tables that compensate for delay.
    """

    by_column: Mapping[str, torch.Tensor]
    leaves: Mapping[str, tuple[torch.Tensor, ...]]
    rows: Mapping[str, Rows]

    def gradients(self) -> Iterator[torch.Tensor]:
        """Those that the module's output depends on."""
        for leaves in self.leaves.values():
            yield from (leaf.grad for leaf in leaves if leaf.grad is not None)


class SparseInputs:
    """The way of the ids of a batch through the tables of a model.

    Rows are read and updated in the order in which that was submitted, each only once the servers have
    answered all before it: what a lookup sees does not depend on who is how fast.
    """

    def __init__(self, tables: Mapping[str, PlannedTable], client: BlockingClient) -> None:
        self._tables = tables
        self._client = client
        self._turns = InTurn()

    def prepare(self, batch: Batch) -> dict[str, TableIds]:
        """What to ask each table for; asks nobody yet.

        Raises:
            SchemaError: the batch lacks a feature.
        """
        return {name: _table_ids(table, batch) for name, table in self._tables.items()}

    def lookup(self, ids: Mapping[str, TableIds], *, create: bool) -> Embedded:
        """The embeddings of a batch, asked for at once; without `create`, ids without a row read as zeros."""
        rows = self._client.lookup(_unique(ids), create=create, unique=True) if ids else {}
        return self.embedded(ids, rows)

    def submit_lookup(self, ids: Mapping[str, TableIds]) -> Future[dict[str, Rows]]:
        """Ask in its turn for the rows that `embedded` takes; ids without a row get one."""
        if not ids:
            return answered({})
        return self._turns.then(partial(self._client.submit_lookup, _unique(ids), create=True, unique=True))

    def embedded(self, ids: Mapping[str, TableIds], rows: Mapping[str, Rows]) -> Embedded:
        """The embeddings of a batch, from the `rows` of its `ids`."""
        leaves = {name: tuple(p.forward(rows[name]) for p in one.pools) for name, one in ids.items()}
        by_column = {
            column.name: tensor
            for name, one in ids.items()
            for one_pool, leaf in zip(one.pools, leaves[name], strict=True)
            for column, tensor in zip(one_pool.columns, leaf.unbind(), strict=True)
        }
        kept = {name: rows[name] for name in ids if self._tables[name].compensates}
        return Embedded(by_column, leaves, kept)

    def settle(self) -> None:
        """Wait until everything that was submitted is done. Raises what the first that failed did."""
        self._turns.wait()

    def submit_apply(
        self, ids: Mapping[str, TableIds], embedded: Embedded, step: int
    ) -> Future[Applied] | None:
        """Send the gradients on their way; None if there are none. `step` decides the learning rates."""
        grads = {
            name: (one.unique, _summed(one, embedded.leaves[name], self._tables[name].config.dim))
            for name, one in ids.items()
            if any(leaf.grad is not None for leaf in embedded.leaves[name])
        }
        if not grads:
            return None
        rates = {name: self._tables[name].learning_rates(step) for name in grads}
        latest = {name: rows for name, rows in embedded.rows.items() if name in grads}
        return self._turns.then(
            partial(
                self._client.submit_apply,
                grads,
                learning_rates=rates,
                step=step,
                unique=True,
                latest=latest,
                counts={name: c for name in grads if (c := ids[name].counts) is not None},
                times={name: t for name in grads if (t := ids[name].times) is not None},
            )
        )


def _summed(ids: TableIds, leaves: Sequence[torch.Tensor], dim: int) -> Rows:
    """One gradient per unique id, (len(unique), dim)."""
    into = np.zeros((len(ids.unique), dim), np.float32)
    for one_pool, leaf in zip(ids.pools, leaves, strict=True):
        if leaf.grad is not None:
            one_pool.backward(leaf.grad, into)
    return into


def _unique(ids: Mapping[str, TableIds]) -> dict[str, Fids]:
    return {name: one.unique for name, one in ids.items()}


def _table_ids(table: PlannedTable, batch: Batch) -> TableIds:
    ragged = [[_ids(batch, column) for column in group] for group in table.pools]
    unique, inverse = dedup(np.concatenate([one.fids for group in ragged for one in group]))
    ends = np.cumsum([sum(len(one.fids) for one in group) for group in ragged])
    pools = [
        Pool(group, part, _chained(ids))
        for group, part, ids in zip(table.pools, np.split(inverse, ends[:-1]), ragged, strict=True)
    ]
    counts = None if table.config.admits_all else np.bincount(inverse, minlength=len(unique))
    return TableIds(unique, tuple(pools), counts, _times(batch, ragged, inverse, len(unique)))


def _times(
    batch: Batch, ragged: Sequence[Sequence[Ragged]], inverse: NDArray[np.int64], count: int
) -> Times | None:
    """When each of `count` unique ids occurred last; `inverse` says which one each id in `ragged` is."""
    if batch.times is None:
        return None
    each = [np.repeat(batch.times, one.lengths) for group in ragged for one in group]
    latest = np.zeros(count, np.uint32)
    np.maximum.at(latest, inverse, np.concatenate(each))
    return latest


def _chained(ragged: Sequence[Ragged]) -> Splits:
    """The row splits of several features as those of one, each beginning where the last one ends."""
    return splits_of(np.concatenate([one.lengths for one in ragged]))


def _ids(batch: Batch, column: FeatureColumn) -> Ragged:
    if column.feature not in batch.sparse:
        there = ", ".join(batch.sparse) or "none"
        raise SchemaError(
            f"the data has no ids for {column.feature!r}, which the model reads (there: {there})"
        )
    return batch.sparse[column.feature]
