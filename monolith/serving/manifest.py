"""What an exported model is: manifest.json, the one file of a version folder that names all the others.

`<output>/<version>/` holds manifest.json, dense.onnx, one table-<i>.safetensors a table and warmup.records.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from monolith.checkpoint.files import FileEntry, files_to_json
from monolith.checkpoint.sealed import sealed, unsealed
from monolith.core.errors import CheckpointUnreadable, DataError, ServingError, VersionUnready
from monolith.core.schema import Schema
from monolith.table.pooling import Combiner

FORMAT = 1
MANIFEST = "manifest.json"
DENSE = "dense.onnx"
WARMUP = "warmup.records"


@attrs.frozen(kw_only=True)
class ServedColumn:
    """One embedding input of the dense part: whose ids, looked up where, put together how."""

    name: str
    feature: str
    table: str
    combiner: Combiner = attrs.field(converter=Combiner)
    max_length: int = 0


@attrs.frozen(kw_only=True)
class ServedTable:
    """The rows of one table, and what was lost where they are not float32.

    Either all values were rounded to `bits` bits, or `config` says which compressors made them what they are.
    """

    dim: int
    rows: int
    bits: int | None = None
    max_error: float = 0.0  # largest |exact - stored| of any value
    mean_error: float = 0.0
    config: Mapping[str, Any] | None = None  # the table's definition, as `table_to_json` gives it
    skip_zeros: bool = False  # rows of zeros are left out

    @property
    def rules(self) -> tuple[object, ...]:
        """What decides how any row is served."""
        return self.dim, self.bits, self.config, self.skip_zeros

    @property
    def exact(self) -> bool:
        """Whether values are served as they are."""
        return self.bits is None and self.config is None


@attrs.frozen(kw_only=True)
class ExportManifest:
    """One version of an exported model."""

    version: int
    step: int
    model: str
    signature: str
    schema: Schema
    columns: tuple[ServedColumn, ...]
    tables: Mapping[str, ServedTable]
    outputs: tuple[str, ...]
    as_of_ms: int = 0  # the rows hold what was learned until then, unix milliseconds; 0: nobody knows
    files: tuple[FileEntry, ...] = ()

    @property
    def dense_only(self) -> bool:
        """Whether it is served with the rows of another version."""
        return bool(self.columns) and not self.tables

    def to_json(self) -> bytes:
        held = attrs.asdict(self, filter=attrs.filters.exclude("schema", "files"))
        files = files_to_json(self.files)
        return sealed({"format": FORMAT, **held, "files": files, "schema": self.schema.to_dict()})

    def file(self, kind: str, table: str = "") -> FileEntry | None:
        return next((f for f in self.files if f.kind == kind and f.table == table), None)


def read_manifest(folder: Path) -> ExportManifest:
    """The manifest of the version in `folder`.

    Raises:
        ServingError: it is not there, was altered, or is not what an export writes.
        VersionUnready: the system cannot read it just now.
    """
    path = folder / MANIFEST
    try:
        return _parse(unsealed(path.read_bytes(), path), path)
    except CheckpointUnreadable as exc:
        raise ServingError(str(exc)) from exc
    except FileNotFoundError as exc:
        raise ServingError(f"{path} is missing: {folder} is not an exported model") from exc
    except OSError as exc:
        raise VersionUnready(f"{path} cannot be read: {exc.strerror}") from exc
    except (DataError, KeyError, TypeError, ValueError) as exc:
        raise ServingError(f"{path} is not the manifest of an exported model: {exc}") from exc


def find_manifest(folder: Path) -> ExportManifest | None:
    """The same, or None where it cannot be read."""
    try:
        return read_manifest(folder)
    except ServingError:
        return None


def version_folders(output: Path) -> dict[int, Path]:
    """The folders in `output` that may be versions: their names are numbers.

    Raises:
        OSError: it cannot be read.
    """
    return {int(p.name): p for p in output.iterdir() if p.name.isascii() and p.name.isdecimal()}


def _parse(held: dict[str, Any], path: Path) -> ExportManifest:
    if (found := held.pop("format")) != FORMAT:
        raise ServingError(
            f"{path} has format {found}, and this program reads {FORMAT}: serve it with the monolith that "
            "exported it, or export it again with this one"
        )
    held["schema"] = Schema.from_dict(held["schema"])
    held["columns"] = tuple(ServedColumn(**c) for c in held["columns"])
    held["tables"] = {name: ServedTable(**t) for name, t in held["tables"].items()}
    held["files"] = tuple(FileEntry(**f) for f in held["files"])
    held["outputs"] = tuple(held["outputs"])
    return ExportManifest(**held)
