"""Writing a dataset folder: blocks into record files, and an index of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from monolith.core.batch import Batch
from monolith.core.records import RecordWriter
from monolith.data.index import Block, Index, Part
from monolith.data.rows import cut, joined

BLOCK_ROWS = 4096  # rows of a record: large enough to parse quickly, small enough to mix well
PART_BLOCKS = 16  # records of a file: about a megabyte for each feature of one id a row


class SplitWriter:
    """Writes rows into the record files of one split, and their index when the `with` block ends well.

    The same rows in the same order give the same files, however they were handed over.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._waiting: list[Batch] = []
        self._parts: list[Part] = []
        self._blocks: list[Block] = []
        self._writer: RecordWriter | None = None

    def add(self, batch: Batch) -> None:
        """Append the rows of `batch`."""
        self._waiting.append(batch)
        if sum(map(len, self._waiting)) >= BLOCK_ROWS:
            self._write(every=False)

    def __enter__(self) -> SplitWriter:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is None:
            self._close()
        elif self._writer is not None:
            self._writer.__exit__(kind, error, trace)

    def _close(self) -> None:
        """Write what is left, give the files their names, and save the index."""
        if self._waiting:
            self._write(every=True)
        self._end_part()
        total = len(self._parts)
        parts = [attrs.evolve(part, name=_name(i, total)) for i, part in enumerate(self._parts)]
        for before, after in zip(self._parts, parts, strict=True):
            (self._folder / before.name).rename(self._folder / after.name)
        Index(tuple(parts)).save(self._folder)

    def _write(self, *, every: bool) -> None:
        rows = joined(self._waiting)
        full = len(rows) if every else len(rows) - len(rows) % BLOCK_ROWS
        for at in range(0, full, BLOCK_ROWS):
            self._block(cut(rows, at, min(at + BLOCK_ROWS, full)))
        self._waiting = [cut(rows, full, len(rows))] if full < len(rows) else []

    def _block(self, batch: Batch) -> None:
        from monolith.wire.examples import encode_example_batch  # brings a compiler: not for --help

        if self._writer is None:
            self._writer = RecordWriter(self._folder / _unnamed(len(self._parts))).__enter__()
        self._blocks.append(Block(self._writer.size, len(batch)))
        self._writer.write(encode_example_batch(batch))
        if len(self._blocks) == PART_BLOCKS:
            self._end_part()

    def _end_part(self) -> None:
        if self._writer is None:
            return
        self._writer.__exit__(None, None, None)
        name = _unnamed(len(self._parts))
        self._parts.append(Part(name, self._writer.size, self._writer.crc32c, tuple(self._blocks)))
        self._writer, self._blocks = None, []


def _name(part: int, total: int) -> str:
    return f"part-{part:05d}-of-{total:05d}.tfrecord"


def _unnamed(part: int) -> str:
    """Its name until it is known how many there are."""
    return f"part-{part:05d}.tfrecord"
