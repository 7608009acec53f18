"""A file that a manifest names: its size and checksum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class FileEntry:
    """One file of a checkpoint or export, relative to the manifest's folder."""

    name: str
    kind: str  # "rows", "filter" or "dense"
    size: int  # bytes
    crc32c: int  # of the whole file
    table: str = ""  # whose rows, or filter
    shard: int = 0  # of these: which server wrote it
    count: int = 0  # rows only: how many
    slots: tuple[int, ...] = ()  # rows only: whose are wanted of them; nobody: all. No manifest holds this


def files_to_json(files: Iterable[FileEntry]) -> list[dict[str, Any]]:
    """What a manifest holds of `files`."""
    return [attrs.asdict(entry, filter=attrs.filters.exclude("slots")) for entry in files]
