"""A server's rows, to files and back, also from the files of another number of servers."""

from __future__ import annotations

import numpy as np

from monolith.checkpoint.files import FileEntry
from monolith.checkpoint.rowfile import read_rows, write_rows
from monolith.ps.api import RestoreOrder, SaveOrder
from monolith.ps.tables import Tables
from monolith.table.dedup import route
from monolith.table.rows import TableRows


def save(tables: Tables, order: SaveOrder) -> list[FileEntry]:
    """Write each table, sorted by fid, into a file of its own; the files are fsynced, the folder is not.

    Raises:
        CheckpointError: the disk is full or fails.
    """
    return [
        write_rows(order.folder, name, table.export(), shard=order.shard, shards=order.shards)
        for name, table in tables.items()
    ]


def restore(tables: Tables, order: RestoreOrder) -> int:
    """Read everything, then replace all rows by it; returns how many rows there are then.

    Raises:
        TableNotFound: rows of a table that was not created.
        CheckpointError: a file is missing or is not what it was.
        DimensionMismatch: rows of another length than the table's.
    """
    read: dict[str, list[TableRows]] = {}
    for entry in _mine(order):
        tables.get(entry.table)
        read.setdefault(entry.table, []).append(_owned(read_rows(order.folder, entry), order))
    for name, table in tables.items():
        if parts := read.pop(name, []):
            table.restore(_joined(parts))
        else:
            table.clear()
    return sum(len(table) for _, table in tables.items())


def _mine(order: RestoreOrder) -> list[FileEntry]:
    """The files that can hold rows of this shard: only its own, if as many servers wrote as read."""
    files = [entry for entry in order.files if entry.kind == "rows"]
    writers = 1 + max((entry.shard for entry in files), default=-1)
    if writers != order.shards:
        return files
    return [entry for entry in files if entry.shard == order.shard]


def _owned(rows: TableRows, order: RestoreOrder) -> TableRows:
    places, counts = route(rows.fids, order.shards)
    if counts[order.shard] == len(rows):
        return rows
    start = int(counts[: order.shard].sum())
    mine = places[start : start + counts[order.shard]]
    return TableRows(rows.fids[mine], rows.values[mine], rows.slots[mine])


def _joined(parts: list[TableRows]) -> TableRows:
    if len(parts) == 1:
        return parts[0]
    return TableRows(
        np.concatenate([part.fids for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.slots for part in parts]),
    )
