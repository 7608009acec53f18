"""One version of a model, in memory: a batch in, predictions out. Needs no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from monolith.checkpoint.boundary import loading
from monolith.checkpoint.table_json import table_from_json
from monolith.checkpoint.tensorfile import read_tensors, verify_file
from monolith.core.arrays import Floats, Rows
from monolith.core.batch import Batch, Ragged
from monolith.core.errors import (
    CheckpointError,
    CheckpointInaccessible,
    CheckpointIncomplete,
    EmbeddingsMissing,
    ServingError,
    VersionUnready,
)
from monolith.core.records import read_records
from monolith.serving.compressed import decompress
from monolith.serving.live import LiveTable
from monolith.serving.manifest import (
    DENSE,
    WARMUP,
    ExportManifest,
    ServedColumn,
    ServedTable,
    read_manifest,
)
from monolith.serving.quantise import Quantised, restore
from monolith.table.dedup import dedup
from monolith.table.pooling import pool
from monolith.table.rows import TableRows
from monolith.wire.examples import parse_example_batch

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

EMPTY: Mapping[str, LiveTable] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says of B rows, and how much of what it was asked it had never seen."""

    outputs: Mapping[str, Floats]  # (B, ...) each
    ids: int  # distinct ids asked for
    unknown: int  # of these, ids without a row; they count as zeros


class ServingModel:
    """A loaded version. It reads its tables only, so any number of threads may call `predict`."""

    def __init__(
        self,
        manifest: ExportManifest,
        tables: Mapping[str, LiveTable],
        session: InferenceSession,
        folder: Path,
    ) -> None:
        self.manifest = manifest
        self.tables = tables
        self._session = session
        self._folder = folder
        self._inputs = [i.name for i in session.get_inputs()]
        self._columns: dict[str, list[ServedColumn]] = {name: [] for name in tables}
        for column in manifest.columns:
            self._columns[column.table].append(column)
        self._must_fit()

    @staticmethod
    def load(folder: Path, live: Mapping[str, LiveTable] = EMPTY) -> ServingModel:
        """The version in `folder`, every file of it checked, but with those tables that are `live` already.

        Raises:
            EmbeddingsMissing: it was exported without embeddings of tables that are not live.
            VersionUnready: a file is missing, or cannot be read just now.
            ServingError: a file was altered, or the dense part does not fit the tables.
        """
        manifest = read_manifest(folder)
        try:
            tables = {
                name: live[name] if name in live else _table(folder, manifest, name)
                for name in _tables(manifest, live)
            }
            for entry in manifest.files:
                if entry.kind != "rows":
                    verify_file(folder, entry)
            session = _session(folder / DENSE)
        except (CheckpointInaccessible, CheckpointIncomplete) as exc:
            raise VersionUnready(str(exc), version=manifest.version) from exc
        except CheckpointError as exc:
            raise ServingError(str(exc), version=manifest.version) from exc
        return ServingModel(manifest, tables, session, folder)

    def predict(self, batch: Batch) -> Answer:
        """The outputs for `batch`; a feature of the model that the batch lacks counts as having no ids.

        Raises:
            ServingError: the dense part failed.
        """
        given: dict[str, Floats] = dict(batch.dense)
        ids = unknown = 0
        for name, columns in self._columns.items():
            raggeds = [batch.sparse.get(c.feature) or Ragged.empty(len(batch)) for c in columns]
            unique, inverse = dedup(np.concatenate([r.fids for r in raggeds]))
            rows, found = self.tables[name].find(unique)
            ids, unknown = ids + len(unique), unknown + int(len(unique) - found.sum())
            ends = np.cumsum([len(r.fids) for r in raggeds])
            for column, ragged, part in zip(columns, raggeds, np.split(inverse, ends[:-1]), strict=True):
                given[column.name] = pool(rows, part, ragged.row_splits, column.combiner, column.max_length)
        return Answer(self._run(given), ids, unknown)

    def warm_up(self) -> None:
        """Do what the export brought along and a push does, so that the first real one finds all compiled."""
        for table in self.tables.values():
            table.warm_up()
        for payload in read_records(self._folder / WARMUP):
            self.predict(parse_example_batch(payload, self.manifest.schema))

    def _must_fit(self) -> None:
        """Tables that are live already may be of another model than the dense part."""
        widths = {i.name: i.shape[-1] for i in self._session.get_inputs()}
        for name, columns in self._columns.items():
            dim = self.tables[name].about.dim
            for column in columns:
                if isinstance(width := widths.get(column.name, dim), int) and width != dim:
                    raise EmbeddingsMissing(
                        f"version {self.manifest.version} takes {width} values for {column.name!r},"
                        f" and the rows of table {name!r} have {dim}: export it with --include-embeddings",
                        version=self.manifest.version,
                    )

    def _run(self, given: Mapping[str, Floats]) -> dict[str, Floats]:
        try:
            held = self._session.run(None, {name: given[name] for name in self._inputs})
        except Exception as exc:  # the runtime's own errors share no base class
            raise ServingError(f"the dense part failed: {exc}", version=self.manifest.version) from exc
        return dict(zip(self.manifest.outputs, held, strict=True))


def _tables(manifest: ExportManifest, live: Mapping[str, LiveTable]) -> list[str]:
    needed = sorted({c.table for c in manifest.columns})
    if missing := [name for name in needed if name not in manifest.tables and name not in live]:
        raise EmbeddingsMissing(
            f"version {manifest.version} was exported without the embeddings of {', '.join(missing)}:"
            " export it again with --include-embeddings, or have a version that has them before it",
            version=manifest.version,
        )
    return needed


def _table(folder: Path, manifest: ExportManifest, name: str) -> LiveTable:
    entry = manifest.file("rows", name)
    assert entry is not None  # whoever wrote the manifest listed a file for each table
    held = read_tensors(folder, entry)
    about = manifest.tables[name]
    values = _values(held, about)
    return LiveTable(about, TableRows(held["fids"], values, np.empty((len(values), 0), np.float32)))


def _values(held: Mapping[str, NDArray[Any]], about: ServedTable) -> Rows:
    if about.config is not None:
        return decompress(table_from_json(dict(about.config)), held)
    return held["values"] if about.bits is None else restore(Quantised(held["codes"], held["scale"]))


def _session(path: Path) -> Any:
    """Open the dense part; requests run side by side, so each has one thread that does not spin."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors: warnings about the graph are the exporter's business
    with loading(path):
        content = path.read_bytes()
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # the runtime's own errors share no base class
        raise ServingError(f"{path} cannot be opened: {exc}") from exc
