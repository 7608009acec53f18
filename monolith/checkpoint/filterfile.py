"""What the filter of one table of one server remembers of ids without a row, as one file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monolith.checkpoint.files import FileEntry
from monolith.checkpoint.rowfile import file_name
from monolith.checkpoint.tensorfile import Tensors, read_tensors, write_tensors
from monolith.core.errors import CheckpointFormat
from monolith.core.files import DISK, Disk

# What a cell means and where a fid's is looked for. Who changes either in `table/admission` counts this up:
# the cells fit as before, and would be read as counts of other fids.
FORMAT = 1

_PART = "@filter"  # which no table's name has once it is escaped
_FORMAT = "format"  # tensor; files from before it was written are of format 1


def write_filter(
    folder: Path, table: str, state: Tensors, *, shard: int, shards: int, disk: Disk = DISK
) -> FileEntry:
    """Write what the filter of `table` remembers, as server `shard` of `shards`; the file is fsynced.

    Raises:
        CheckpointError: the disk is full or fails.
    """
    name = file_name(table, shard, shards, _PART)
    written = write_tensors(folder / name, {**state, _FORMAT: np.array([FORMAT])}, disk)
    return FileEntry(
        name=name, kind="filter", size=written.size, crc32c=written.crc32c, table=table, shard=shard
    )


def read_filter(folder: Path, entry: FileEntry) -> Tensors:
    """What `write_filter` wrote, as views of one buffer.

    Raises:
        CheckpointIncomplete: the file is missing.
        CheckpointUnreadable: its size, checksum or content is not what the manifest says.
        CheckpointFormat: it was written by another release.
    """
    state = read_tensors(folder, entry)
    number = int(state.pop(_FORMAT, [1])[0])
    if number != FORMAT:
        raise CheckpointFormat(number, FORMAT, folder / entry.name)
    return state
