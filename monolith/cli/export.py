"""`monolith export`: a checkpoint becomes what is served."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from monolith.cli.command import Command, Report, Table, Ui
from monolith.config.checks import given, name, one_of
from monolith.config.settings import Problem, Settings, setting

if TYPE_CHECKING:
    from monolith.checkpoint.catalogue import Catalogue
    from monolith.checkpoint.manifest import Manifest
    from monolith.core.batch import Batch
    from monolith.estimator.exporter import ExportOptions
    from monolith.serving.manifest import ExportManifest, ServedTable

WARMUP_ROWS = 64


def _format(value: str) -> str | None:
    if value in ("saved-model", "torch-script"):
        return "is not written: use native, which monolith serve serves, or onnx, which other runtimes read"
    problem: str | None = one_of("native", "onnx")(value)
    return problem


@attrs.frozen(kw_only=True)
class ExportSettings(Settings):
    """Which checkpoint, and what to make of it."""

    # fmt: off
    checkpoint_path: Path | None = setting(None, "Model directory (its newest checkpoint), or one "
                                           "checkpoint-<step>.json.", group="model", check=given,
                                           alias="--model-dir")
    output_path: Path | None = setting(None, "Folder of versions; the new one goes into <version>/.",
                                       group="output", short="-o", check=given, alias="--output")
    format: str = setting("native", "native: embeddings and dense graph; onnx: the dense graph only.",
                          group="output", short="-f", check=_format)
    model_version: int | None = setting(None, "Version number; the checkpoint's step if not given.",
                                        group="output")
    overwrite: bool = setting(False, "Replace the version if it is there.", group="output")
    include_embeddings: bool = setting(True, "Write the embeddings; without them it is served with "
                                       "those of the version before.", group="output")
    quantize: bool = setting(False, "Round embeddings to fewer bits, with a scale for each row.",
                             group="output")
    quantize_bits: int = setting(8, "Bits of a rounded value.", group="output", check=one_of(8, 16))
    optimize: bool = setting(True, "Fold and fuse what can be in the dense graph.", group="output")
    signature_name: str = setting("serving_default", "What requests may call the model's signature.",
                                  group="output", check=name)
    warmup_data_path: Path | None = setting(None, "Dataset whose first test rows a server predicts before "
                                            "it serves.", group="output")
    # fmt: on

    def rules(self) -> Iterator[Problem]:
        if self.model_version is not None and self.model_version < 0:
            yield Problem(("model_version",), "must be >= 0")


def export(settings: ExportSettings, ui: Ui) -> Report:
    """Write the version, and tell what is in it."""
    from monolith.checkpoint.catalogue import Catalogue
    from monolith.checkpoint.layout import manifest_step
    from monolith.core.errors import CheckpointNotFound
    from monolith.models.registry import check_torch

    check_torch()
    path = settings.checkpoint_path or Path()
    step = manifest_step(path.name)
    stored = Catalogue(path if step is None else path.parent)
    write = functools.partial(_write, settings, ui, stored)
    written = stored.newest(write) if step is None else write(stored.get(step))
    stored.tell(ui.progress)
    if written is None:
        raise CheckpointNotFound("no checkpoint here: train first", path=path)
    output = settings.output_path or Path()
    _tell_of_newer(output, written.version, ui)
    return _report(output, written)


def _tell_of_newer(output: Path, version: int, ui: Ui) -> None:
    """Who goes on from fewer steps, or begins anew, would wait for servers to take what is written."""
    from monolith.serving.manifest import version_folders

    if (newest := max(version_folders(output))) > version:
        ui.progress.say(
            f"{output} has version {newest}: servers answer with that and not with {version}, "
            f"unless they pin it; --model-version {newest + 1} would be newer"
        )


def _write(settings: ExportSettings, ui: Ui, stored: Catalogue, manifest: Manifest) -> ExportManifest:
    from monolith.core.schema import Schema
    from monolith.estimator.exporter import export as write
    from monolith.estimator.exporter import from_checkpoint
    from monolith.estimator.trainer import assemble
    from monolith.models.registry import load_model

    parts = assemble(load_model(manifest.model)(), Schema.from_dict(manifest.config["schema"]))
    trained = from_checkpoint(stored, manifest)
    return write(parts, trained, settings.output_path or Path(), _options(settings), ui.progress)


def _options(settings: ExportSettings) -> ExportOptions:
    from monolith.estimator.exporter import ExportOptions

    return ExportOptions(
        version=settings.model_version,
        overwrite=settings.overwrite,
        embeddings=settings.include_embeddings and settings.format == "native",
        bits=settings.quantize_bits if settings.quantize else None,
        optimize=settings.optimize,
        signature=settings.signature_name,
        warmup=_first_rows(settings.warmup_data_path),
    )


def _first_rows(folder: Path | None) -> list[Batch]:
    """A single row and a batch of them: a server meets both."""
    if folder is None:
        return []
    from monolith.data.dataset import Dataset
    from monolith.data.reading import Reading

    dataset = Dataset.open(folder)
    return [
        next(iter(dataset.batches(Reading(split="test", batch_size=rows, shuffle=False))))
        for rows in (1, WARMUP_ROWS)
    ]


def _report(output: Path, written: ExportManifest) -> Report:
    columns = ("table", "dim", "rows", "bits", "max_error", "mean_error")
    rows = [
        (table, held.dim, held.rows, _bits(held), held.max_error, held.mean_error)
        for table, held in written.tables.items()
    ]
    figures = {
        "model": written.model,
        "step": written.step,
        "version": written.version,
        "bytes": sum(file.size for file in written.files),
        "path": output / str(written.version),
    }
    return Report(title="export", figures=figures, table=Table(columns, rows) if rows else None)


def _bits(held: ServedTable) -> object:
    return "by segment" if held.config else held.bits or 32


EXPORT = Command(ExportSettings, export)
