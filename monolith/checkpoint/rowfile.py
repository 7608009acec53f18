"""The rows of one table of one server, as one file."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import google_crc32c
import numpy as np

from monolith.checkpoint.files import FileEntry
from monolith.checkpoint.tensorfile import Tensors, read_tensors, write_tensors
from monolith.core.arrays import Fids
from monolith.core.errors import CheckpointUnreadable
from monolith.core.files import DISK, Disk
from monolith.table.rows import TableRows

_LONGEST = 180  # characters of a table in a file name; file systems allow 255 bytes for all of it


def write_rows(
    folder: Path, table: str, rows: TableRows, *, shard: int, shards: int, disk: Disk = DISK
) -> FileEntry:
    """Write `rows` of `table`, sorted by fid, as server `shard` of `shards`; the file is fsynced.

    Raises:
        CheckpointError: the disk is full or fails.
    """
    rows = _ascending(rows)
    name = file_name(table, shard, shards)
    tensors: Tensors = {"fids": rows.fids, "slots": rows.slots, "values": rows.values}
    if rows.times is not None:
        tensors = {**tensors, "times": rows.times, "told": np.array([rows.latest_told])}
    written = write_tensors(folder / name, tensors, disk)
    return FileEntry(
        name=name,
        kind="rows",
        size=written.size,
        crc32c=written.crc32c,
        table=table,
        shard=shard,
        count=len(rows),
    )


def read_rows(folder: Path, entry: FileEntry) -> TableRows:
    """The rows that `write_rows` wrote, as views of one buffer.

    Raises:
        CheckpointIncomplete: the file is missing.
        CheckpointUnreadable: its size, checksum or content is not what the manifest says.
    """
    tensors = read_tensors(folder, entry)
    told = int(tensors.pop("told", [0])[0])
    known = tensors.keys() - {"times"} == {"fids", "slots", "values"}
    if not known or any(len(tensor) != entry.count for tensor in tensors.values()):
        raise CheckpointUnreadable(f"does not hold {entry.count} rows of a table", path=folder / entry.name)
    return TableRows(tensors["fids"], tensors["values"], tensors["slots"], tensors.get("times"), told)


def file_name(table: str, shard: int, shards: int, part: str = "") -> str:
    """What the file of a table is called; `part` tells it from the one with the rows."""
    return f"ps-{shard}-of-{shards}-{_plain(table)}{part}.safetensors"


def _ascending(rows: TableRows) -> TableRows:
    fids: Fids = rows.fids
    if np.all(fids[1:] > fids[:-1]):
        return rows
    return rows.at(np.argsort(fids, kind="stable"))


def _plain(table: str) -> str:
    """`table` as part of a file name: what a file system may not like is escaped, what is too long hashed."""
    name = quote(table, safe="")
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_LONGEST]}-{google_crc32c.value(name.encode()):08x}"
