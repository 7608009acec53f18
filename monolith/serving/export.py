"""Write a version folder: whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from monolith.checkpoint.files import FileEntry
from monolith.checkpoint.table_json import table_to_json
from monolith.checkpoint.tensorfile import tensor_octets
from monolith.core.batch import Batch
from monolith.core.errors import ServingError
from monolith.core.files import DISK, Disk, make_folders, write_atomically, write_file
from monolith.core.records import framed
from monolith.core.swap import Unsettled, aside, take_name
from monolith.serving.compressed import compress, decompress, is_compressed
from monolith.serving.manifest import DENSE, MANIFEST, WARMUP, ExportManifest, ServedTable
from monolith.serving.quantise import error, quantise, restore
from monolith.table.config import TableConfig
from monolith.table.rows import TableRows
from monolith.wire.examples import encode_example_batch

_UNCHANGED = "what was there is as it was"


class ExportWriter(AbstractContextManager["ExportWriter"]):
    """Collects the files of `<output>/<version>` in a hidden folder beside it; `commit` gives it the name.

    A version that stood there before is kept until then, and there is always one under its name. If the block
    ends without `commit`, the hidden folder is removed and nothing has changed. Its name ends in `part`: who
    is killed leaves it there.

    Raises:
        ServingError: the version exists and `overwrite` is not given; or the disk is full or fails, and all
            is as it was.
    """

    def __init__(
        self, output: Path, version: int, *, overwrite: bool = False, part: str = ".part", disk: Disk = DISK
    ) -> None:
        self.target = output / str(version)
        if self.target.exists() and not overwrite:
            raise ServingError(
                f"{self.target} exists: give --overwrite to replace it, or another --model-version",
                version=version,
            )
        self._part = output / f".{version}{part}"
        self._disk = disk
        self._files: list[FileEntry] = []
        self.tables: dict[str, ServedTable] = {}

    def __enter__(self) -> ExportWriter:
        try:
            with self._writing():
                _remove(self._part)
                _remove(aside(self.target))
                make_folders(self._part, self._disk)
        except ServingError as exc:
            self._clear_away(exc)
            raise
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        self._clear_away(error)

    def add_table(
        self, name: str, rows: TableRows, config: TableConfig | None = None, *, bits: int | None = None
    ) -> None:
        """Write a table's values, without optimizer state, as the compressors of `config` make them.

        With `bits`, values are rounded to 8 or 16 of them instead. Rows of zeros are left out where `config`
        says so: what has no row is served as zeros, too.
        """
        if config and config.skip_zero_embedding:
            rows = _without_zeros(rows)
        file = f"table-{len(self.tables)}.safetensors"
        about, tensors = _rounded(rows, bits) if bits else _stored(rows, config)
        about = attrs.evolve(about, skip_zeros=bool(config and config.skip_zero_embedding))
        content = tensor_octets(self._part / file, {"fids": rows.fids, **tensors})
        with self._writing():
            written = write_file(self._part / file, content, self._disk)
        self.tables[name] = about
        self._files.append(
            FileEntry(
                name=file, kind="rows", size=written.size, crc32c=written.crc32c, table=name, count=len(rows)
            )
        )

    def add_dense(self, graph: bytes) -> None:
        """Write the dense part, a serialized ONNX model."""
        self._add(DENSE, "dense", graph)

    def add_warmup(self, batches: Iterable[Batch]) -> None:
        """Write what a server is to predict before it serves, as records of ExampleBatch messages."""
        self._add(WARMUP, "warmup", b"".join(framed(encode_example_batch(batch)) for batch in batches))

    def commit(self, manifest: ExportManifest) -> ExportManifest:
        """Write the manifest, then give the folder its name. Returns the manifest with all files in it."""
        manifest = attrs.evolve(manifest, tables=self.tables, files=tuple(self._files))
        with self._writing():
            write_atomically(self._part / MANIFEST, manifest.to_json(), self._disk)
            take_name(self._part, self.target, self._disk)
        return manifest

    def _add(self, file: str, kind: str, content: bytes) -> None:
        with self._writing():
            written = write_file(self._part / file, (np.frombuffer(content, np.uint8),), self._disk)
        self._files.append(FileEntry(name=file, kind=kind, size=written.size, crc32c=written.crc32c))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            left = "it is there, until the power fails" if isinstance(exc, Unsettled) else _UNCHANGED
            raise ServingError(f"{self.target} cannot be written: {exc.strerror or exc}; {left}") from exc

    def _clear_away(self, error: BaseException | None) -> None:
        """Remove the hidden folder; trouble with that is told beside the `error` that came before."""
        try:
            _remove(self._part)
        except OSError as exc:
            if error:
                why = exc.strerror or exc
                error.add_note(f"{self._part} could not be removed ({why}): the next export does")


def _stored(rows: TableRows, config: TableConfig | None) -> tuple[ServedTable, dict[str, NDArray[Any]]]:
    """What the manifest says of a table, and the tensors that hold its values."""
    about = ServedTable(dim=rows.values.shape[1], rows=len(rows))
    if config is None or not is_compressed(config):
        return about, {"values": rows.values}
    tensors = compress(config, rows.values)
    worst, mean = error(rows.values, decompress(config, tensors))
    return attrs.evolve(about, max_error=worst, mean_error=mean, config=table_to_json(config)), tensors


def _rounded(rows: TableRows, bits: int) -> tuple[ServedTable, dict[str, NDArray[Any]]]:
    """As `_stored`, with a scale for each row."""
    stored = quantise(rows.values, bits)
    worst, mean = error(rows.values, restore(stored))
    about = ServedTable(dim=rows.values.shape[1], rows=len(rows), bits=bits, max_error=worst, mean_error=mean)
    return about, {"codes": stored.codes, "scale": stored.scale}


def _without_zeros(rows: TableRows) -> TableRows:
    kept = rows.values.any(axis=1)
    return TableRows(rows.fids[kept], rows.values[kept], rows.slots[kept])


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
