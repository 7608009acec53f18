"""A training job reduced to its checkpoints: two tables a shard, one dense part, one number in all of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monolith.checkpoint.catalogue import Catalogue
from monolith.checkpoint.manifest import Manifest
from monolith.checkpoint.rowfile import read_rows, write_rows
from monolith.checkpoint.store import CheckpointStore
from monolith.table.config import Adam, Segment, Sgd, TableConfig, Zeros
from monolith.table.layout import slot_dim
from monolith.table.rows import TableRows

TABLES = {
    "item": TableConfig([Segment(3, optimizer=Adam())]),
    "user/age": TableConfig([Segment(2, Zeros(), Sgd()), Segment(1)]),
}


def save(
    store: CheckpointStore, step: int, mark: float, *, shards: int = 2, model: str = "small"
) -> Manifest:
    """Save `mark` as every value of every row and parameter, as checkpoint `step`."""
    folder = store.begin(step)
    files = [
        write_rows(
            folder, table, _rows(table, shard, shards, mark), shard=shard, shards=shards, disk=store.disk
        )
        for shard in range(shards)
        for table in TABLES
    ]
    files.append(store.write_dense(folder, {"bias": np.full(3, mark), "kernel": np.full((2, 2), mark)}))
    return store.commit(
        Manifest(
            step=step,
            model=model,
            tables=TABLES,
            shards=shards,
            files=files,
            position={0: step},
            quality={"auc": 0.5, "logloss": float("nan")},
        )
    )


def load(catalogue: Catalogue, manifest: Manifest) -> set[float]:
    """Every value that the checkpoint holds: one, unless it is a mix."""
    folder = catalogue.folder(manifest)
    rows = [read_rows(folder, entry).values for entry in manifest.files if entry.kind == "rows"]
    arrays = [*rows, *catalogue.load_dense(manifest).values()]
    return {float(value) for array in arrays for value in np.unique(array)}


def resumed(model_dir: Path) -> set[float] | None:
    """What a job that starts in `model_dir` would go on from."""
    store = CheckpointStore(model_dir)
    return store.resume(lambda manifest: load(store, manifest))


def _rows(table: str, shard: int, shards: int, mark: float) -> TableRows:
    config, fids = TABLES[table], np.arange(5, dtype=np.int64) * shards + shard
    values, slots = (np.full((5, width), mark, np.float32) for width in (config.dim, slot_dim(config)))
    return TableRows(fids, values, slots)
