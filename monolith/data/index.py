"""What a split consists of: its files, and where in them the blocks of rows begin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import attrs

from monolith.core.errors import DataError
from monolith.core.files import write_atomically

_NAME = "index.json"


class Block(NamedTuple):
    """One record of a file: a batch of rows."""

    offset: int  # where the record begins, bytes
    rows: int


@attrs.frozen
class Part:
    """One record file of a split."""

    name: str
    size: int  # bytes
    crc32c: int  # of the whole file
    blocks: tuple[Block, ...]

    @property
    def rows(self) -> int:
        return sum(block.rows for block in self.blocks)


@attrs.frozen
class Index:
    """The files of a split, in order."""

    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    def save(self, folder: Path) -> None:
        """Write `index.json` into `folder`, durably."""
        told = {"rows": self.rows, "parts": [attrs.asdict(part, recurse=False) for part in self.parts]}
        write_atomically(folder / _NAME, json.dumps(told).encode() + b"\n")

    @staticmethod
    def load(folder: Path) -> Index:
        """The index in `folder`, after a look at the sizes of its files.

        Raises:
            DataError: it is missing, cannot be read, or a file is missing or of another size.
        """
        path = folder / _NAME
        try:
            index = Index(tuple(_part(**one) for one in json.loads(path.read_bytes())["parts"]))
        except FileNotFoundError as exc:
            raise DataError("there is no index of the files here", path=path) from exc
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise DataError(f"the index cannot be read ({exc!r})", path=path) from exc
        for part in index.parts:
            _look(folder / part.name, part.size)
        return index


def _part(blocks: list[list[int]], **told: Any) -> Part:
    return Part(blocks=tuple(Block(*one) for one in blocks), **told)


def _look(path: Path, size: int) -> None:
    try:
        found = path.stat().st_size
    except OSError as exc:
        raise DataError("the index names this file, but it cannot be found", path=path) from exc
    if found != size:
        raise DataError(
            f"the file has {found} bytes, the index says {size}: make the dataset again", path=path
        )
