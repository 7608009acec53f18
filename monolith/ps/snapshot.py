"""A server's rows, to files and back, also from the files of another number of servers."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from monolith.checkpoint.files import FileEntry
from monolith.checkpoint.filterfile import read_filter, write_filter
from monolith.checkpoint.rowfile import read_rows, write_rows
from monolith.checkpoint.tensorfile import Tensors
from monolith.core.arrays import Fids, Flags, as_rows
from monolith.core.errors import CheckpointMismatch, ConfigError, TableNotFound
from monolith.core.fids import slot_of
from monolith.ps.api import RestoreOrder, SaveOrder
from monolith.ps.tables import Tables
from monolith.table.admission.gate import gate_of
from monolith.table.admission.joining import joined
from monolith.table.dedup import route
from monolith.table.rows import TableRows
from monolith.table.table import Table


def save(tables: Tables, order: SaveOrder) -> list[FileEntry]:
    """Write each table, sorted by fid, into a file of its own; the files are fsynced, the folder is not.

    Rows that have expired are forgotten first. What a filter remembers goes into a file beside the rows.

    Raises:
        CheckpointError: the disk is full or fails.
    """
    return [entry for name, table in tables.items() for entry in _save(name, table, order)]


def _save(name: str, table: Table, order: SaveOrder) -> Iterator[FileEntry]:
    table.expire()
    yield write_rows(order.folder, name, table.export(), shard=order.shard, shards=order.shards)
    if state := table.filter_state():
        yield write_filter(order.folder, name, state, shard=order.shard, shards=order.shards)


def restore(tables: Tables, order: RestoreOrder) -> int:
    """Read and judge everything, then replace all rows by it; returns how many rows there are then.

    Filters remember what those of all servers did whose ids may be this one's now, as far as they have room.

    Raises:
        TableNotFound: rows of a table that was not created.
        CheckpointError: a file is missing or is not what it was, or is of another filter than the table's.
        DimensionMismatch: rows of another length than the table's.
    """
    read: dict[str, list[TableRows]] = {}
    ours = _all_ours(order)
    for entry in order.files:
        if entry.kind == "rows" and (not ours or entry.shard == order.shard):
            rows = _like_those_of(_created(tables, entry.table), read_rows(order.folder, entry))
            read.setdefault(entry.table, []).append(_owned(_of_slots(rows, entry.slots), order))
    filters: dict[str, list[FileEntry]] = {}
    for entry in order.files:
        if entry.kind == "filter" and _may_have_ours(entry, order):
            filters.setdefault(entry.table, []).append(entry)
    states = {name: _state(name, tables.get(name), filters.get(name, []), order) for name in read}
    for name, table in tables.items():
        if parts := read.pop(name, []):
            table.restore(TableRows.joined(parts), states[name])
        else:
            table.clear()
    return sum(len(table) for _, table in tables.items())


def _created(tables: Tables, name: str) -> Table:
    """The table whose rows are restored. There being none may be a mistake in its name."""
    try:
        return tables.get(name)
    except TableNotFound as exc:
        advice = ": create it before its rows are restored, or leave its files out"
        raise TableNotFound(name, known=exc.known, shard=exc.shard, advice=advice) from exc


def _like_those_of(table: Table, rows: TableRows) -> TableRows:
    """`rows`; what this table would refuse is refused before another one has changed."""
    as_rows(rows.values, len(rows), table.dim)
    as_rows(rows.slots, len(rows), table.slot_dim)
    return rows


def _state(name: str, table: Table, filters: list[FileEntry], order: RestoreOrder) -> Tensors | None:
    """What the filter of a table is to remember; another filter's is refused before a table has changed."""
    states, gate = [read_filter(order.folder, entry) for entry in filters], gate_of(table.config, seed=0)
    if not (states and gate):
        return None
    try:
        if len(states) > 1 or not _all_ours(order):
            states = [joined(table.config.filter_config, states, lambda fids: _owns(fids, order))]
        gate.restore(states[0])  # on trial
    except ConfigError as exc:
        said = f"the filter of table {name}: {exc}; give the table the filter that it was saved with"
        raise CheckpointMismatch(said, path=order.folder) from exc
    return states[0]


def _all_ours(order: RestoreOrder) -> bool:
    """Whether as many servers wrote as read, so that a shard needs only its own files."""
    return order.shards == _writers(order)


def _writers(order: RestoreOrder) -> int:
    return 1 + max((entry.shard for entry in order.files if entry.kind == "rows"), default=-1)


def _may_have_ours(entry: FileEntry, order: RestoreOrder) -> bool:
    """Whether there are ids that the writer of `entry` owned, and this server does.

    These leave the remainders `entry.shard` and `order.shard` by the two numbers of servers: there are some
    if both remainders are one by what the two numbers have in common.
    """
    return (entry.shard - order.shard) % math.gcd(_writers(order), order.shards) == 0


def _owns(fids: Fids, order: RestoreOrder) -> Flags:
    return np.equal(fids % order.shards, order.shard)


def _of_slots(rows: TableRows, slots: tuple[int, ...]) -> TableRows:
    """The rows of these slots; all if none is named."""
    return rows.at(np.flatnonzero(np.isin(slot_of(rows.fids), slots))) if slots else rows


def _owned(rows: TableRows, order: RestoreOrder) -> TableRows:
    places, counts = route(rows.fids, order.shards)
    if counts[order.shard] == len(rows):
        return rows
    start = int(counts[: order.shard].sum())
    return rows.at(places[start : start + counts[order.shard]])
