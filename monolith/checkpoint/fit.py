"""Whether a model may go on from a checkpoint, and which of its tables the rows are for.

Columns that are told the same share a table. One that is told something else, a rate of its own say, moves to
another table, and its rows with it: the slot in each fid says whose they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import attrs

from monolith.checkpoint.files import FileEntry
from monolith.checkpoint.layout import prefix
from monolith.checkpoint.manifest import Columns, Manifest
from monolith.core.errors import CheckpointMismatch
from monolith.table.config import TableConfig
from monolith.table.optimizer_config import plain


@attrs.frozen
class Wanted:
    """What a model goes on with: its tables, and who lives in them."""

    tables: Mapping[str, TableConfig]
    columns: Columns


class _Move(NamedTuple):
    """Columns, each with its slot now, that were in table `there` and are in table `here`."""

    there: str
    here: str
    columns: Mapping[str, int]
    whole: bool  # they are all that were there


def must_be_of(manifest: Manifest, model: str, model_dir: Path) -> None:
    """Raises CheckpointMismatch if the checkpoint is not `model`'s."""
    if manifest.model != model:
        raise _mismatch(manifest, f"belongs to model {manifest.model!r}, not {model!r}", model_dir)


def files_for(manifest: Manifest, wanted: Wanted, model_dir: Path) -> Sequence[FileEntry]:
    """The files of the checkpoint, each with the table that its rows are for, and of which slots.

    Learning rates, initializers, thresholds and expiry may change, the columns may not, nor the length of
    their rows and the kind of their optimizers.

    Raises:
        CheckpointMismatch: the rows mean something else to this model.
    """
    moves = _moves(manifest, wanted, model_dir)
    for move in moves:
        _must_fit(manifest, move, wanted, model_dir)
    _must_be_apart(manifest, moves, model_dir)
    return [
        attrs.evolve(entry, table=move.here, slots=() if move.whole else tuple(move.columns.values()))
        for entry in manifest.files
        for move in moves
        if move.there == entry.table
    ]


def moved(manifest: Manifest, columns: Columns) -> str | None:
    """A sentence on the columns whose rows are in another table now; None if there are none."""
    before, now = _tables(manifest.columns), _tables(columns)
    count = sum(before.get(column, table) != table for column, table in now.items())
    if not count:
        return None
    return f"columns share tables otherwise than in {prefix(manifest.step)}: the rows of {count} change table"


def _moves(manifest: Manifest, wanted: Wanted, model_dir: Path) -> list[_Move]:
    """Which columns go from where to where; all that there are."""
    if not manifest.columns:  # it is from before they were written down
        _must_be_alike("tables", manifest, (manifest.tables, wanted.tables), model_dir)
        return [_Move(name, name, {}, whole=True) for name in wanted.tables]
    _must_be_alike("columns", manifest, (_tables(manifest.columns), _tables(wanted.columns)), model_dir)
    return [
        _Move(there, here, {column: held[column] for column in both}, whole=len(both) == len(had))
        for there, had in manifest.columns.items()
        for here, held in wanted.columns.items()
        if (both := sorted(had.keys() & held.keys()))
    ]


def _tables(columns: Columns) -> dict[str, str]:
    """The table of each column."""
    return {column: table for table, held in columns.items() for column in sorted(held)}


def _must_be_alike(
    what: str, manifest: Manifest, names: tuple[Collection[str], Collection[str]], model_dir: Path
) -> None:
    """What has another name would start empty, which nobody would notice: it is refused."""
    there, here = (", ".join(sorted(each)) for each in names)
    if there != here:
        raise _mismatch(manifest, f"has the {what} {there}, the model wants {here}", model_dir)


def _must_fit(manifest: Manifest, move: _Move, wanted: Wanted, model_dir: Path) -> None:
    """Refuse rows of another length, of other optimizers, or of ids that nobody would ask for."""
    saved, now = _layout(manifest.tables[move.there]), _layout(wanted.tables[move.here])
    if saved != now:
        said = f"has rows of {saved} in table {move.there!r}, where the model wants {now}"
        raise _mismatch(manifest, said, model_dir)
    for column, slot in move.columns.items():
        if (before := manifest.columns[move.there][column]) != slot:
            said = f"has ids of slot {before} in column {column}, where the schema says {slot}"
            raise _mismatch(manifest, said, model_dir)


def _must_be_apart(manifest: Manifest, moves: Sequence[_Move], model_dir: Path) -> None:
    """Refuse rows of one id from two tables for one: columns of one feature may have had each their own."""
    of: dict[tuple[str, int], _Move] = {}
    for move in moves:
        for slot in move.columns.values():
            if (other := of.setdefault((move.here, slot), move)) is not move:
                columns = ", ".join(sorted({*other.columns, *move.columns}))
                said = (
                    f"has rows of their own for columns of one feature (slot {slot}), where the model wants "
                )
                raise _mismatch(manifest, f"{said}{columns} to share them", model_dir)


def _mismatch(manifest: Manifest, said: str, model_dir: Path) -> CheckpointMismatch:
    return CheckpointMismatch(
        f"{prefix(manifest.step)} {said}: choose another model directory", path=model_dir
    )


def _layout(table: TableConfig) -> str:
    """What decides the length and meaning of a row: `8 values (Adagrad) + 1 values (Ftrl)`."""
    return " + ".join(f"{s.dim} values ({type(plain(s.optimizer)).__name__})" for s in table.segments)
