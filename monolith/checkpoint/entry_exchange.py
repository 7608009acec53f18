"""A checkpoint's tables as a folder of upstream's dumps, and such a folder's tables as a checkpoint's."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

import attrs
import numpy as np

from monolith.checkpoint.boundary import loading
from monolith.checkpoint.catalogue import Catalogue
from monolith.checkpoint.dump_names import TABLE, base_of
from monolith.checkpoint.entry_reading import read_table, read_tables, tables_in, together
from monolith.checkpoint.entry_tables import Dump, dump_of, rows_of, write_table, write_tables
from monolith.checkpoint.files import FileEntry
from monolith.checkpoint.manifest import Manifest
from monolith.checkpoint.restore_dir import copy_file
from monolith.checkpoint.rowfile import read_rows, write_rows
from monolith.checkpoint.store import CheckpointStore
from monolith.core.errors import CheckpointError, CheckpointNotFound
from monolith.table.config import TableConfig
from monolith.table.dedup import route
from monolith.table.rows import TableRows

TOGETHER = "MonolithMultiHashTable"  # our name for the files of all tables together; any other is read
_META = ".meta"
_SERVER = re.compile(r"_\d+$")  # upstream dumps each server's part of a table on its own
_SHARED = re.compile(r"dim\d+-\w+-([0-9a-f]{8})")  # our name of a table that several features share


@attrs.frozen(kw_only=True)
class Dumping:
    """How to write a dump."""

    together: bool = False  # all tables in the same files, compressed
    shards: int = 0  # files; 0: as many as upstream would
    time: int = 0  # seconds since 1970 of the last update of rows that do not know it


class Source(NamedTuple):
    """A table that was dumped, or one server's part of it."""

    name: str
    base: Path
    together: bool  # with others

    def read(self, config: TableConfig) -> Dump:
        if self.together:
            return read_tables(self.base, {self.name: config})[self.name]
        return read_table(self.base, config)


def export_dump(stored: Catalogue, manifest: Manifest, folder: Path, how: Dumping) -> dict[str, int]:
    """Write the tables of a checkpoint into `folder`; returns how many rows each has.

    Raises:
        CheckpointError: a file is missing or damaged, the disk fails, or rows cannot be dumped.
    """
    dumps = _stored(stored, manifest, how.time)
    if how.together:
        all_of_them = dict(dumps)
        write_tables(folder / TOGETHER, all_of_them, shards=how.shards)
        return {name: len(dump.rows) for name, dump in all_of_them.items()}
    rows = {}
    for name, dump in dumps:
        write_table(folder / (TABLE + quote(name, safe="")), dump, shards=how.shards)
        rows[name] = len(dump.rows)
    return rows


def import_dump(
    store: CheckpointStore, manifest: Manifest, folder: Path, called: Mapping[str, str]
) -> dict[str, int]:
    """Save the checkpoint of `manifest` again, with the rows of those tables that are in `folder`.

    `called` maps our name of a table to its name in the dump; other tables are recognised by `is_dump_of`.
    Returns how many rows each table has that was found. Filters of these tables begin anew.

    Raises:
        CheckpointNotFound: none was found, or one of `called` was not.
        CheckpointError: a dump is incomplete, damaged, of rows made otherwise, or of none where the
            checkpoint has some; or the disk fails.
    """
    sources = _matching(dumped(folder), manifest.tables, called, folder)
    at = store.begin(manifest.step)
    old = store.folder(manifest)
    files = [entry for entry in manifest.files if entry.table not in sources]
    for entry in files:
        copy_file(entry, old, at, store.disk)
    rows = {}
    for name, held in sources.items():
        dump = together([source.read(manifest.tables[name]) for source in held], folder)
        if not len(dump.rows):
            _refuse_emptying(manifest, name, held)
        files += _split(at, name, rows_of(dump), manifest.shards, store)
        rows[name] = len(dump.rows)
    store.commit(attrs.evolve(manifest, files=files))
    return rows


def dumped(folder: Path) -> list[Source]:
    """What was dumped in `folder`.

    Raises:
        CheckpointError: the folder or a file that counts entries cannot be read.
    """
    with loading(folder):
        names = sorted(path.name for path in folder.iterdir())
    bases = sorted({base for name in names if (base := base_of(name))})
    counted = {base.removesuffix(_META) for base in bases if base.endswith(_META)}
    single = [
        Source(unquote(base.removeprefix(TABLE)), folder / base, together=False)
        for base in bases
        if base not in counted and not base.endswith(_META)
    ]
    several = [
        Source(name, folder / base, together=True) for base in counted for name in tables_in(folder / base)
    ]
    return single + several


def is_dump_of(name: str, table: str) -> bool:
    """Whether upstream would call our `table` so: by its name, or by the hash of its features' names.

    >>> is_dump_of("item_1", "item"), is_dump_of("cde3ba88ba62b682f84241b273f8100c", "fc_slot_0")
    (True, True)
    """
    if (shared := _SHARED.fullmatch(table)) and name.startswith(shared[1]):
        return True
    named = {table, _hash(table), _hash(table.removeprefix("fc_"))}
    return name in named or _SERVER.sub("", name) in named


def _hash(name: str) -> str:
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def _matching(
    sources: Sequence[Source], tables: Iterable[str], called: Mapping[str, str], folder: Path
) -> dict[str, list[Source]]:
    """The parts of each table. A dump of the very name of a table is of no other."""
    tables = list(tables)
    found: dict[str, list[Source]] = {}
    for source in sources:
        exact = [t for t in tables if source.name == called.get(t, t)]
        like = [t for t in tables if is_dump_of(source.name, called.get(t, t))]
        for table in exact or like:
            found.setdefault(table, []).append(source)
    missing = sorted(called.keys() - found.keys()) or ([] if found else tables)
    if missing:
        there = ", ".join(sorted({source.name for source in sources})) or "nothing"
        wanted = ", ".join(called.get(table, table) for table in missing)
        raise CheckpointNotFound(f"has no dump of {wanted}; it has {there}", path=folder)
    return found


def _refuse_emptying(manifest: Manifest, table: str, held: Sequence[Source]) -> None:
    """Refuse no rows for a table that has some, unless the dump counts them: its file may be cut off."""
    lost = sum(entry.count for entry in manifest.files if entry.kind == "rows" and entry.table == table)
    if lost and not any(source.together for source in held):
        raise CheckpointError(
            f"holds no row of {table}, of which the checkpoint has {lost}: dump it again, or, to keep "
            "these, take its files away",
            path=held[0].base,
        )


def _stored(stored: Catalogue, manifest: Manifest, time: int) -> Iterator[tuple[str, Dump]]:
    """Each table of a checkpoint, sorted by fid."""
    folder = stored.folder(manifest)
    for name in sorted(manifest.tables):
        config = manifest.tables[name]
        entries = [entry for entry in manifest.files if entry.kind == "rows" and entry.table == name]
        parts = [dump_of(config, read_rows(folder, entry), time) for entry in entries]
        yield name, together(parts, folder)


def _split(
    folder: Path, table: str, rows: TableRows, shards: int, store: CheckpointStore
) -> Iterator[FileEntry]:
    """Write each server's rows."""
    order, counts = route(rows.fids, shards)
    for shard, mine in enumerate(np.split(order, np.cumsum(counts)[:-1])):
        yield write_rows(folder, table, rows.at(mine), shard=shard, shards=shards, disk=store.disk)
