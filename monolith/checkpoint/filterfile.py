"""What the filter of one table of one server remembers of ids without a row, as one file."""

from __future__ import annotations

from pathlib import Path

from monolith.checkpoint.files import FileEntry
from monolith.checkpoint.rowfile import file_name
from monolith.checkpoint.tensorfile import Tensors, read_tensors, write_tensors
from monolith.core.files import DISK, Disk

_PART = "@filter"  # which no table's name has once it is escaped


def write_filter(
    folder: Path, table: str, state: Tensors, *, shard: int, shards: int, disk: Disk = DISK
) -> FileEntry:
    """Write what the filter of `table` remembers, as server `shard` of `shards`; the file is fsynced.

    Raises:
        CheckpointError: the disk is full or fails.
    """
    name = file_name(table, shard, shards, _PART)
    written = write_tensors(folder / name, state, disk)
    return FileEntry(
        name=name, kind="filter", size=written.size, crc32c=written.crc32c, table=table, shard=shard
    )


def read_filter(folder: Path, entry: FileEntry) -> Tensors:
    """What `write_filter` wrote, as views of one buffer.

    Raises:
        CheckpointIncomplete: the file is missing.
        CheckpointUnreadable: its size, checksum or content is not what the manifest says.
    """
    return read_tensors(folder, entry)
