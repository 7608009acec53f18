"""`monolith checkpoint export | import`: tables to upstream's dumps, and tables that upstream trained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from monolith.checkpoint.catalogue import Catalogue
from monolith.checkpoint.claim import Claim
from monolith.checkpoint.manifest import Manifest
from monolith.checkpoint.store import CheckpointStore
from monolith.cli.command import Command, Report, Table, Ui
from monolith.config.checks import given, not_negative, one_of
from monolith.config.settings import Problem, Settings, setting
from monolith.core.errors import CheckpointNotFound


@attrs.frozen(kw_only=True)
class DumpSettings(Settings):
    """Which checkpoint, and where the dump is."""

    # fmt: off
    model_dir: Path | None = setting(None, "Folder of the checkpoints.", check=given, positional=True,
                                     short="-d", alias="--model-dir")
    dump: Path | None = setting(None, "Folder of the dump: what upstream calls <checkpoint>.assets.",
                                check=given, positional=True, alias="--dump")
    step: int | None = setting(None, "Its step; default: the newest complete one.", group="checkpoint")
    format: str = setting("entry-dump", "entry-dump: TFRecord files of EntryDump messages.", group="dump",
                          short="-f", check=one_of("entry-dump"))
    # fmt: on


@attrs.frozen(kw_only=True)
class ExportSettings(DumpSettings):
    """How to write it."""

    # fmt: off
    together: bool = setting(False, "All tables in the same files, compressed, as upstream's multi table "
                             "has them; else files of its own for each.", group="dump")
    parts: int = setting(0, "Files to write side by side; 0: as many as upstream would, one a million "
                         "rows and at most four.", group="dump", check=not_negative)
    time: int = setting(0, "Seconds since 1970 of the last update of rows that do not know it.", group="dump",
                        check=not_negative)
    # fmt: on


@attrs.frozen(kw_only=True)
class ImportSettings(DumpSettings):
    """How to recognise its tables."""

    table: tuple[str, ...] = setting(
        (), "OURS=THEIRS: what a table is called in the dump, if it is not its own name.", group="dump"
    )

    def rules(self) -> Iterator[Problem]:
        for pair in self.table:
            if not all(pair.partition("=")):
                yield Problem(("table",), f"{pair!r} must be OURS=THEIRS")

    @property
    def called(self) -> dict[str, str]:
        return {ours: theirs for ours, _, theirs in (pair.partition("=") for pair in self.table)}


def export(settings: ExportSettings, _ui: Ui) -> Report:
    """Write a checkpoint's tables, one line each."""
    from monolith.checkpoint.entry_exchange import Dumping, export_dump

    stored = Catalogue(_there(settings.model_dir))
    manifest = _chosen(stored, settings.step)
    how = Dumping(together=settings.together, shards=settings.parts, time=settings.time)
    rows = export_dump(stored, manifest, settings.dump or Path(), how)
    return _report(f"tables of checkpoint-{manifest.step}, dumped in {settings.dump}", rows)


def import_(settings: ImportSettings, _ui: Ui) -> Report:
    """Save the checkpoint again with the rows of a dump; one line for each table that was in it."""
    from monolith.checkpoint.entry_exchange import import_dump

    store = CheckpointStore(_there(settings.model_dir), max_to_keep=0)
    with Claim(store.model_dir):
        manifest = _chosen(store, settings.step)
        rows = import_dump(store, manifest, _there(settings.dump), settings.called)
    return _report(f"tables of checkpoint-{manifest.step}, read from {settings.dump}", rows)


def _there(folder: Path | None) -> Path:
    assert folder is not None  # checked by the setting
    if not folder.is_dir():
        raise CheckpointNotFound("there is no such folder", path=folder)
    return folder


def _chosen(stored: Catalogue, step: int | None) -> Manifest:
    manifest = stored.latest() if step is None else stored.get(step)
    if manifest is None:
        raise CheckpointNotFound(
            "no checkpoint was ever committed here: train a step first, so that its tables are known",
            path=stored.model_dir,
        )
    return manifest


def _report(title: str, rows: dict[str, int]) -> Report:
    return Report(title=title, table=Table(("table", "rows"), list(rows.items())))


EXPORT = Command(ExportSettings, export)
IMPORT = Command(ImportSettings, import_)
