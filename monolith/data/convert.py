"""From raw columns to a dataset folder that is there whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import tomli_w

from monolith.core.errors import DataError
from monolith.core.files import DISK, make_folders, part_of, write_atomically
from monolith.core.progress import Progress
from monolith.core.schema import Schema
from monolith.data.dataset import SCHEMA, SPLITS, Dataset
from monolith.data.raw import Chunk, to_batch
from monolith.data.rows import take
from monolith.data.splits import assigner
from monolith.data.times import dated
from monolith.data.writing import SplitWriter

Chunks = Callable[[], Iterable[Chunk]]  # called twice where rows are split by time


def convert(schema: Schema, chunks: Chunks, folder: Path, progress: Progress) -> Dataset:
    """Write the rows of `chunks` into a new dataset at `folder`, and open it.

    The same rows give the same bytes.

    Raises:
        DataError: `folder` is there already, or cannot be written; nothing is left behind.
        SchemaError: a value is not what the schema says; nothing is left behind either.
    """
    if folder.exists():
        raise DataError("there is something here already: give another folder, or remove it", path=folder)
    try:
        make_folders(folder.parent)
        _write_whole(schema, chunks, folder, progress)
    except OSError as exc:  # reading has errors of its own
        raise DataError(f"the dataset cannot be written ({exc.strerror or exc})", path=folder) from exc
    return Dataset.open(folder)


def _write_whole(schema: Schema, chunks: Chunks, folder: Path, progress: Progress) -> None:
    part = part_of(folder)
    shutil.rmtree(part, ignore_errors=True)  # what a crash left behind
    try:
        _write(schema, chunks, part, progress)
        DISK.rename(part, folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    DISK.sync_folder(folder.parent)


def _write(schema: Schema, chunks: Chunks, folder: Path, progress: Progress) -> None:
    assign = assigner(schema.split, chunks)
    progress.begin(f"converting {schema.name}", None, "rows")
    with ExitStack() as stack:
        writers = [stack.enter_context(SplitWriter(folder / split)) for split in SPLITS]
        for chunk in chunks():
            batch, assigned = dated(schema, to_batch(schema, chunk), chunk), assign(chunk)
            for place, writer in enumerate(writers):
                writer.add(take(batch, np.flatnonzero(assigned == place)))
            progress.advance(len(chunk))
    write_atomically(folder / SCHEMA, tomli_w.dumps(schema.to_dict()).encode())
    progress.end()
