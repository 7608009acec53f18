"""Tables that upstream dumped, read as rows of ours.

Every function raises CheckpointNotFound or CheckpointIncomplete where there is no such dump or a part of it
is missing, and CheckpointUnreadable where a file is damaged or its rows are made otherwise than a table's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError

from monolith.checkpoint.boundary import loading
from monolith.checkpoint.dump_names import count_shards, meta_name, shard_name
from monolith.checkpoint.entry_layout import digits_to_halves, entry_shape, halves_to_digits
from monolith.checkpoint.entry_records import RecordPieces
from monolith.checkpoint.entry_tables import Dump
from monolith.core.errors import CheckpointError, CheckpointUnreadable, DataError
from monolith.core.inflate import Compression
from monolith.core.records import read_records
from monolith.table import layout
from monolith.table.config import TableConfig
from monolith.table.rows import TableRows
from monolith.wire.embedding_hash_table_pb2 import MultiHashTableMetadata
from monolith.wire.entries import Entries, parse_entries

FULL = 1000  # entries a part, on average, from which on none is empty: they are made about equally large


def read_table(base: Path, config: TableConfig) -> Dump:
    """The table that was dumped as `base`, sorted by fid. State that was not dumped is an unseen row's."""
    dumps, counts = [_nothing(config)], {}
    for path in _parts(base):
        with RecordPieces(path) as records:
            pieces = list(_parsed(records, path, config))
        dumps += pieces
        counts[path] = sum(len(piece.rows) for piece in pieces)
    _refuse_emptied(counts)
    return together(dumps, base)


def read_tables(base: Path, configs: Mapping[str, TableConfig]) -> dict[str, Dump]:
    """Those of `configs` that are among the tables that were dumped together as `base`; as `read_table`."""
    parts: dict[str, list[Dump]] = {}
    for path, counts in _counted(base):
        with RecordPieces(path, Compression.SNAPPY) as records:
            for name, count in counts:
                if name in configs:
                    held = parts.setdefault(name, [_nothing(configs[name])])
                    held += _parsed(records, path, configs[name], count)
                else:
                    records.skip(count)
            records.must_be_over()
    return {name: together(held, base) for name, held in parts.items()}


def tables_in(base: Path) -> dict[str, int]:
    """The tables that were dumped together as `base`, and how many entries each has."""
    totals: dict[str, int] = {}
    for _, counts in _counted(base):
        for name, count in counts:
            totals[name] = totals.get(name, 0) + count
    return totals


def together(dumps: Sequence[Dump], base: Path) -> Dump:
    """Parts of one table as a whole, sorted by fid.

    Raises:
        CheckpointUnreadable: a fid is in it twice; `base` tells where.
    """
    fids = np.concatenate([dump.rows.fids for dump in dumps])
    order = np.argsort(fids, kind="stable")
    fids = fids[order]
    if len(twice := np.flatnonzero(fids[1:] == fids[:-1])):
        raise CheckpointUnreadable(f"id {fids[twice[0]]} was dumped twice", path=base)
    values = np.concatenate([dump.rows.values for dump in dumps])[order]
    slots = np.concatenate([dump.rows.slots for dump in dumps])[order]
    times = np.concatenate([dump.times for dump in dumps])[order]
    return Dump(dumps[0].config, TableRows(fids, values, slots), times)


def _refuse_emptied(counts: Mapping[Path, int]) -> None:
    """Refuse a part without entries, beside parts with so many that it must have been cut off.

    Nothing counts the entries of a table that was dumped alone, so a part that was cut between two of them is
    taken for whole, and an empty one is a legal part of a small table.
    """
    on_average = sum(counts.values()) // len(counts)
    emptied = [path for path, count in counts.items() if not count and on_average >= FULL]
    if emptied:
        said = f"is empty, where {len(counts)} parts have {on_average} entries on average"
        raise CheckpointUnreadable(f"{said}: it was cut off, so dump the table again", path=emptied[0])


def _parts(base: Path) -> list[Path]:
    with loading(base.parent):
        names = [path.name for path in base.parent.iterdir() if path.name.startswith(f"{base.name}-")]
    try:
        shards = count_shards(base.name, names)
    except CheckpointError as exc:
        raise type(exc)(str(exc), path=base.parent) from exc
    return [base.with_name(shard_name(base.name, shard, shards)) for shard in range(shards)]


def _counted(base: Path) -> Iterator[tuple[Path, list[tuple[str, int]]]]:
    """Each part, and how many entries of which table follow each other in it."""
    paths = _parts(base)
    for shard, path in enumerate(paths):
        meta = base.with_name(meta_name(base.name, shard, len(paths)))
        try:
            with loading(meta):
                counts = [MultiHashTableMetadata.FromString(payload) for payload in read_records(meta)]
        except (DataError, DecodeError) as exc:
            raise CheckpointUnreadable(str(exc), path=meta) from exc
        yield path, [(count.table_name, count.num_entries) for count in counts]


def _parsed(
    records: RecordPieces, path: Path, config: TableConfig, count: int | None = None
) -> Iterator[Dump]:
    shape, unsaid = entry_shape(config), layout.unseen_row(config)
    digits_to_halves(config, unsaid[None])
    for buf, bounds in records.take(count):
        try:
            yield _dump(config, parse_entries(shape, buf, bounds, unsaid))
        except DataError as exc:
            raise CheckpointUnreadable(str(exc), path=path) from exc


def _dump(config: TableConfig, entries: Entries) -> Dump:
    assert entries.times is not None  # as parsed
    halves_to_digits(config, entries.rows)
    values, slots = entries.rows[:, : config.dim], entries.rows[:, config.dim :]
    return Dump(config, TableRows(entries.fids, values, slots), entries.times)


def _nothing(config: TableConfig) -> Dump:
    rows = np.empty((0, config.dim), np.float32), np.empty((0, layout.slot_dim(config)), np.float32)
    return Dump(config, TableRows(np.empty(0, np.int64), *rows), np.empty(0, np.int64))
