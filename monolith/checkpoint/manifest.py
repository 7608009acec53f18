"""What a checkpoint consists of: one JSON object, sealed by its own checksum.

Nothing of the hour or the machine stands inside: the same seed gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import attrs

from monolith.checkpoint.files import FileEntry, files_to_json
from monolith.checkpoint.sealed import sealed, unsealed
from monolith.checkpoint.table_json import table_from_json, table_to_json
from monolith.core.errors import CheckpointFormat, CheckpointUnreadable, ConfigError
from monolith.table.config import TableConfig

Columns: TypeAlias = Mapping[str, Mapping[str, int]]  # table → its columns → the slot of their ids
FORMAT = 1  # a reader refuses any other number: bump it when an old reader would misread


def _settings(groups: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    return tuple(groups)


def _sorted(files: Iterable[FileEntry]) -> tuple[FileEntry, ...]:
    return tuple(sorted(files, key=lambda entry: entry.name))


@attrs.frozen(kw_only=True)
class Manifest:
    """A training job at one step. `folder` is filled in by the store that commits it."""

    step: int  # batches trained, summed over the workers
    model: str
    tables: Mapping[str, TableConfig]
    shards: int  # parameter servers that wrote it
    files: Sequence[FileEntry] = attrs.field(converter=_sorted)
    folder: str = ""  # beside the manifest; the files are in it
    num_workers: int = 1
    position: Mapping[int, int] = attrs.field(factory=dict)  # worker → batches read of its share
    offsets: Mapping[str, int] = attrs.field(factory=dict)  # topic/partition → offset of its next message
    param_groups: Sequence[Mapping[str, Any]] = attrs.field(default=(), converter=_settings)
    quality: Mapping[str, float] = attrs.field(factory=dict)
    config: Mapping[str, Any] = attrs.field(factory=dict)  # settings of the run, as JSON can hold them

    @property
    def columns(self) -> Columns:
        """Who lives in which table; empty where nobody wrote that down. Earlier releases read over it."""
        columns: Columns = self.config.get("columns", {})
        return columns

    @property
    def rows(self) -> int:
        return sum(entry.count for entry in self.files)

    @property
    def size(self) -> int:
        """Bytes of all files, without the manifest."""
        return sum(entry.size for entry in self.files)

    def to_json(self) -> bytes:
        """The manifest file's content: keys in a fixed order, figures that are no number as null."""
        fields = {f.name: getattr(self, f.name) for f in attrs.fields(Manifest)}
        return sealed({"format": FORMAT, **fields, **self._odd()})

    def _odd(self) -> dict[str, Any]:
        """The fields that JSON cannot hold as they are."""
        return {
            "tables": {name: table_to_json(self.tables[name]) for name in sorted(self.tables)},
            "files": files_to_json(self.files),
            "position": {str(worker): self.position[worker] for worker in sorted(self.position)},
            "offsets": {name: self.offsets[name] for name in sorted(self.offsets)},
            "quality": {n: v if math.isfinite(v) else None for n, v in sorted(self.quality.items())},
        }

    @classmethod
    def from_json(cls, content: bytes, path: Path) -> Manifest:
        """The manifest that `to_json` wrote into `path`.

        Raises:
            CheckpointUnreadable: it is cut short or altered.
            CheckpointFormat: it was written by another release.
        """
        document = unsealed(content, path)
        if (version := document.pop("format", None)) != FORMAT:
            raise CheckpointFormat(version, FORMAT, path)
        try:
            return cls(**{**document, **_from_odd(document)})
        except (KeyError, TypeError, ValueError, AttributeError, ConfigError) as exc:
            raise CheckpointUnreadable(f"is not a manifest: {exc}", path=path) from exc


def _from_odd(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "tables": {name: table_from_json(table) for name, table in document["tables"].items()},
        "files": [FileEntry(**entry) for entry in document["files"]],
        "position": {int(worker): batches for worker, batches in document["position"].items()},
        "quality": {n: math.nan if v is None else v for n, v in document["quality"].items()},
    }
