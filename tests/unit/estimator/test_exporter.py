"""What an export takes over from a checkpoint."""

import os

import attrs
import numpy as np
import pytest

from monolith.checkpoint.rowfile import read_rows
from monolith.checkpoint.store import CheckpointStore
from monolith.core.errors import CheckpointMismatch
from monolith.estimator import exporter
from monolith.estimator.estimator import Estimator
from monolith.estimator.exporter import ExportOptions, export, from_checkpoint
from monolith.estimator.session import TrainingSession
from monolith.estimator.tables import configs
from monolith.estimator.trainer import assemble
from monolith.models.deepfm import DeepFm
from monolith.ps.blocking import BlockingClient
from monolith.ps.shard import LocalShard
from monolith.serving.manifest import ServedColumn, read_manifest


class Small(DeepFm):
    """DeepFM, quick."""

    hidden = (8,)


@pytest.fixture
def parts(dataset):
    return assemble(Small(), dataset.schema)


@pytest.fixture
def trained(dataset, config):
    """A checkpoint, and the store it is in."""
    Estimator(Small(), dataset, config).train(steps=4)
    store = CheckpointStore(config.model_dir)
    return from_checkpoint(store, store.latest())


@pytest.fixture(autouse=True)
def quick_graph(monkeypatch):
    """PyTorch takes seconds to make a graph; what is in it is not the question here."""
    monkeypatch.setattr(exporter, "dense_graph", lambda parts, optimize: b"graph")


def test_version_is_the_step_unless_given(parts, trained, tmp_path):
    assert export(parts, trained, tmp_path).version == 4
    assert export(parts, trained, tmp_path, ExportOptions(version=7)).version == 7
    assert sorted(p.name for p in tmp_path.iterdir()) == ["4", "7", "model"]


def test_manifest_says_how_columns_are_looked_up(parts, trained, tmp_path):
    export(parts, trained, tmp_path)
    manifest = read_manifest(tmp_path / "4")
    (table,) = parts.tables
    assert manifest.columns == tuple(
        ServedColumn(name=n, feature=n, table=table, combiner="sum") for n in ("user", "item", "tags")
    )
    assert (manifest.step, manifest.model, manifest.schema) == (4, Small.name, parts.schema)


def test_rows_of_all_servers_come_together_sorted(dataset, config, parts, tmp_path):
    with BlockingClient.local([LocalShard(index) for index in range(3)]) as client:
        TrainingSession(Small(), dataset, client, attrs.evolve(config, train_steps=4)).run()
    store = CheckpointStore(config.model_dir)
    manifest = store.latest()
    (table,) = parts.tables
    parted = [read_rows(store.folder(manifest), f) for f in manifest.files if f.kind == "rows"]
    meant = {fid: row.tolist() for part in parted for fid, row in zip(part.fids, part.values, strict=True)}
    rows = from_checkpoint(store, manifest).rows(table)
    assert dict(zip(rows.fids, rows.values.tolist(), strict=True)) == meant
    assert (np.diff(rows.fids) > 0).all()
    assert export(parts, from_checkpoint(store, manifest), tmp_path).tables[table].rows == len(rows)


def test_without_embeddings_no_table_is_written(parts, trained, tmp_path):
    manifest = export(parts, trained, tmp_path, ExportOptions(embeddings=False))
    assert manifest.tables == {}
    assert {file.kind for file in manifest.files} == {"dense", "warmup"}


def test_another_models_checkpoint_is_refused(dataset, trained, tmp_path):
    class Wider(DeepFm):
        hidden = (16,)

    with pytest.raises(CheckpointMismatch, match="dense parameter"):
        export(assemble(Wider(), dataset.schema), trained, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_missing_table_is_refused(trained):
    with pytest.raises(CheckpointMismatch, match="has no table 'other', which the model needs"):
        trained.rows("other")


def test_export_tells_how_old_its_rows_are(parts, config, dataset, tmp_path):
    """As old as the first of the checkpoint's files, whenever it is exported."""
    Estimator(Small(), dataset, config).train(steps=4)
    store = CheckpointStore(config.model_dir)
    manifest = store.latest()
    for age, file in enumerate(manifest.files):
        os.utime(store.folder(manifest) / file.name, (1000 + age, 1000 + age))
    exported = export(parts, from_checkpoint(store, manifest), tmp_path / "out")
    assert exported.as_of_ms == read_manifest(tmp_path / "out" / "4").as_of_ms == 1_000_000


def test_tables_are_called_as_they_are_on_the_servers(parts, trained, tmp_path):
    """So that rows which servers push find their table."""
    assert export(parts, trained, tmp_path).tables.keys() == configs(parts.tables).keys()
