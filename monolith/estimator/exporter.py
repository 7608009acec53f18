"""From a trained model to the folder that is served."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray

from monolith.checkpoint.rowfile import read_rows
from monolith.core.batch import Batch
from monolith.core.errors import CheckpointMismatch
from monolith.core.progress import Progress, Silent
from monolith.estimator.dense import load_module
from monolith.estimator.onnx_graph import OUTPUT, dense_graph
from monolith.serving.columns import empty_batch
from monolith.serving.export import ExportWriter
from monolith.serving.manifest import ExportManifest, ServedColumn, find_manifest
from monolith.table.rows import TableRows

if TYPE_CHECKING:
    from monolith.checkpoint.catalogue import Catalogue
    from monolith.checkpoint.manifest import Manifest
    from monolith.estimator.trainer import Assembled


@attrs.frozen(kw_only=True)
class ExportOptions:
    """How to write it."""

    version: int | None = None  # None: the step
    overwrite: bool = False
    embeddings: bool = True  # without them it is served with those of the version before, or by others
    bits: int | None = None  # 8 or 16 a value of an embedding; None: float32
    optimize: bool = True  # let the exporter fold and fuse what it can
    signature: str = "serving_default"
    warmup: Sequence[Batch] = ()  # what a server predicts first; one row without values if there is nothing


@attrs.frozen(kw_only=True)
class Trained:
    """What training leaves. `rows` reads one table at a time: all of them may not fit beside each other."""

    step: int
    as_of_ms: int = 0  # unix; what was learned until then is in the rows. 0: nobody knows
    rows: Callable[[str], TableRows]
    dense: Mapping[str, NDArray[Any]]


def from_checkpoint(stored: Catalogue, manifest: Manifest) -> Trained:
    """What the checkpoint of `manifest` holds."""
    folder = stored.folder(manifest)

    def rows(table: str) -> TableRows:
        entries = [f for f in manifest.files if f.kind == "rows" and f.table == table]
        if not entries:
            raise CheckpointMismatch(f"it has no table {table!r}, which the model needs", path=folder)
        return _merged([read_rows(folder, entry) for entry in entries])

    as_of_ms = stored.written_ms(manifest)
    return Trained(step=manifest.step, as_of_ms=as_of_ms, rows=rows, dense=stored.load_dense(manifest))


def export(
    parts: Assembled,
    trained: Trained,
    output: Path,
    options: ExportOptions = ExportOptions(),
    progress: Progress = Silent(),
) -> ExportManifest:
    """Write `<output>/<version>`, whole or not at all; one with embeddings may replace one without.

    Raises:
        ServingError: the version exists and is not to be overwritten, or the disk fails.
        CheckpointError: what was trained is not of this model, or a file of it is torn.
        ModelError: the dense part cannot become a graph.
    """
    load_module(parts.module, trained.dense)
    version = trained.step if options.version is None else options.version
    tables = list(parts.tables) if options.embeddings else []
    there = find_manifest(output / str(version))
    replaces = bool(tables and there and there.dense_only)  # nothing else may be replaced unasked
    with ExportWriter(output, version, overwrite=options.overwrite or replaces) as writer:
        progress.begin("exporting", len(tables) + 1, "parts")
        for name in tables:
            writer.add_table(name, trained.rows(name), parts.tables[name].config, bits=options.bits)
            progress.advance()
        writer.add_dense(dense_graph(parts, optimize=options.optimize))
        progress.advance()
        writer.add_warmup(options.warmup or [empty_batch(parts.schema, 1)])
        manifest = writer.commit(manifest_of(parts, trained, version, options.signature))
        progress.end()
    return manifest


def manifest_of(parts: Assembled, trained: Trained, version: int, signature: str) -> ExportManifest:
    """What is said of `version` before its files are there."""
    table_of = {c.name: name for name, table in parts.tables.items() for c in table.columns}
    return ExportManifest(
        version=version,
        step=trained.step,
        as_of_ms=trained.as_of_ms,
        model=parts.model.name,
        signature=signature,
        schema=parts.schema,
        columns=tuple(
            ServedColumn(
                name=c.name,
                feature=c.feature,
                table=table_of[c.name],
                combiner=c.combiner,
                max_length=c.max_length,
            )
            for c in parts.columns
        ),
        tables={},
        outputs=(OUTPUT,),
    )


def _merged(parts: Sequence[TableRows]) -> TableRows:
    """The rows of all servers as one table's, sorted by fid."""
    fids = np.concatenate([p.fids for p in parts])
    order = np.argsort(fids, kind="stable")
    values = np.concatenate([p.values for p in parts])[order]
    return TableRows(fids[order], values, np.empty((len(fids), 0), np.float32))
