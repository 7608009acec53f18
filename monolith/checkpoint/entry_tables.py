"""Whole tables written as upstream dumps them; `entry_reading` reads them back.

One table is files `<base>-00000-of-00002` … of EntryDump records. Several tables together are such files
too, compressed, one table's entries behind the other's, each beside a `<base>.meta-…` that counts them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from monolith.checkpoint.boundary import saving
from monolith.checkpoint.dump_names import meta_name, shard_name
from monolith.checkpoint.entry_layout import digits_to_halves, entry_shape
from monolith.core.arrays import LAST_SECOND, Indices
from monolith.core.files import DISK, Disk, make_folders, replacing
from monolith.core.inflate import Compression, deflating
from monolith.core.records import framed
from monolith.table.config import TableConfig
from monolith.table.rows import TableRows
from monolith.wire.embedding_hash_table_pb2 import MultiHashTableMetadata
from monolith.wire.entries import Entries, framed_entries

ROWS = 1 << 16  # encoded at a time
_ROWS_A_SHARD, _SHARDS = 1_000_000, 4  # upstream's choice of parts: one a million rows, at most four


class Dump(NamedTuple):
    """A table and its dump: `rows`, and the seconds since 1970 at which each was last updated (n,)."""

    config: TableConfig
    rows: TableRows
    times: Indices


class _Out(Protocol):
    def write(self, data: bytes) -> None: ...


def dump_of(config: TableConfig, rows: TableRows, time: int = 0) -> Dump:
    """A dump of `rows`, last updated at `time` where they do not know when.

    Steps are no time: where nobody told the table any, none is known.
    """
    known = rows.known_times.astype(np.int64) if rows.latest_told else np.zeros(len(rows), np.int64)
    return Dump(config, rows, np.where(known > 0, known, time))


def rows_of(dump: Dump) -> TableRows:
    """The rows, which know when they were last updated if the dump does. Times beyond 2106 become that."""
    times = np.clip(dump.times, 0, LAST_SECOND).astype(np.uint32)
    return replace(dump.rows, times=times if times.any() else None)


def write_table(base: Path, dump: Dump, *, shards: int = 0, disk: Disk = DISK) -> list[Path]:
    """Write a table into `shards` files, or as many as upstream would; returns them.

    Raises:
        CheckpointError: the disk is full or fails.
    """
    shards = shards or _shards(len(dump.rows))
    paths = [base.with_name(shard_name(base.name, shard, shards)) for shard in range(shards)]
    for shard, path in enumerate(paths):
        with _writing(path, Compression.NONE, disk) as out:
            _write(out, dump, _share(len(dump.rows), shard, shards))
    return paths


def write_tables(base: Path, dumps: Mapping[str, Dump], *, shards: int = 0, disk: Disk = DISK) -> list[Path]:
    """Write tables together, by name, as `write_table` does; returns the files with the entries."""
    shards = shards or _shards(sum(len(dump.rows) for dump in dumps.values()))
    paths = [base.with_name(shard_name(base.name, shard, shards)) for shard in range(shards)]
    for shard, path in enumerate(paths):
        shares = {name: _share(len(dump.rows), shard, shards) for name, dump in dumps.items()}
        with _writing(path, Compression.SNAPPY, disk) as out:
            for name, dump in dumps.items():
                _write(out, dump, shares[name])
        with _writing(base.with_name(meta_name(base.name, shard, shards)), Compression.NONE, disk) as out:
            for name, share in shares.items():
                count = MultiHashTableMetadata(table_name=name, num_entries=len(share))
                out.write(framed(count.SerializeToString()))
    return paths


def _shards(rows: int) -> int:
    return min(_SHARDS, max(1, rows // _ROWS_A_SHARD))


def _share(rows: int, shard: int, shards: int) -> range:
    return range(rows * shard // shards, rows * (shard + 1) // shards)


def _write(out: _Out, dump: Dump, share: range) -> None:
    shape = entry_shape(dump.config)
    for start in share[::ROWS]:
        now = slice(start, min(start + ROWS, share.stop))
        rows = np.concatenate([dump.rows.values[now], dump.rows.slots[now]], axis=1)
        digits_to_halves(dump.config, rows)
        entries = Entries(dump.rows.fids[now], rows, dump.times[now])
        out.write(framed_entries(shape, entries).tobytes())


@contextmanager
def _writing(path: Path, how: Compression, disk: Disk) -> Iterator[_Out]:
    with saving(path):
        make_folders(path.parent, disk)
        with replacing(path, disk) as file:
            out = deflating(file, how)
            yield out
            out.finish()
