"""What saving and restoring gave where this began."""

import shutil

import numpy as np
import pytest

from monolith.checkpoint.dump_names import count_shards, shard_name
from monolith.checkpoint.entry_exchange import import_dump
from monolith.checkpoint.entry_tables import dump_of, write_table
from monolith.checkpoint.manifest import Manifest
from monolith.checkpoint.restore_dir import copy_checkpoint_from_restore_dir, restored
from monolith.checkpoint.rowfile import read_rows, write_rows
from monolith.checkpoint.state_file import CheckpointState
from monolith.checkpoint.store import CheckpointStore
from monolith.core.errors import CheckpointError
from monolith.table.config import Segment, Sgd, TableConfig, Zeros
from monolith.table.rows import TableRows
from monolith.testing.faulty_disk import RecordingDisk
from monolith.testing.small_job import save
from tests.upstream import by_name, vectors


def rows_of(values):
    """`{"1": [2.0]}` as rows."""
    fids = np.array([int(fid) for fid in values], np.int64)
    return TableRows(fids, np.array(list(values.values()), np.float32), np.empty((len(fids), 0), np.float32))


def through_disk(folder, tables, dense):
    """`tables` and `dense` as they come back: rows by fid, tensors by name."""
    store = CheckpointStore(folder, disk=RecordingDisk())
    at = store.begin(1)
    files = [write_rows(at, name, rows_of(rows), shard=0, shards=1) for name, rows in tables.items()]
    files.append(store.write_dense(at, {name: np.array(value) for name, value in dense.items()}))
    manifest = store.commit(Manifest(step=1, model="m", tables={}, shards=1, files=files))
    at = store.folder(manifest)
    back = {e.table: read_rows(at, e) for e in manifest.files if e.kind == "rows"}
    by_fid = {name: dict(zip(r.fids.tolist(), r.values.tolist(), strict=True)) for name, r in back.items()}
    return by_fid, {name: value.item() for name, value in store.load_dense(manifest).items()}


def multi_table_restore_overrides_later_updates(given, expect, folder):
    tables, _ = through_disk(folder, given["add"], {})
    assert {name: list(rows.values()) for name, rows in tables.items()} == expect


def full_restore_when_all_ps_are_new(given, expect, folder):
    saved = given["saved"]
    tables, dense = through_disk(
        folder, {"t": {"0": saved["id 0"], "1": saved["id 1"]}}, {"v0": saved["v0"], "v1": saved["v1"]}
    )
    assert {**dense, "id_0": tables["t"][0], "id_1": tables["t"][1]} == expect


def basic_save_restore_overrides_values(given, expect, folder):
    saved = given["saved"]
    tables, dense = through_disk(
        folder, {"table": {"1": [saved["table"]["k1"]]}}, {"v0": saved["v0"], "v1": saved["v1"]}
    )
    assert {**dense, "table": {"k1": tables["table"][1][0]}} == expect


def table_save_restore(given, expect, folder):
    tables, _ = through_disk(folder, {"t": {fid: [value] for fid, value in given["assign_add"].items()}}, {})
    assert [tables["t"][-1], tables["t"][1]] == expect["lookup_-1_1"]


def existing_steps_from_files(given, expect, folder):
    for step in given["saved_steps"]:
        save(CheckpointStore(folder, max_to_keep=given["max_to_keep"]), step, 1.0)
    assert [stored.step for stored in CheckpointStore(folder).list()] == expect["steps"]


def max_to_keep_none_or_zero_keeps_all(given, expect, folder):
    store = CheckpointStore(folder, max_to_keep=0)
    for step in range(len(given["saves"])):
        save(store, step, 1.0)
    assert all(stored.complete for stored in store.list()) == expect["all_exist"]
    assert len(store.list()) == len(given["saves"])


def recover_last_checkpoints_skips_missing(given, expect, folder):
    store = CheckpointStore(folder)
    for step in (1, 2, 3):
        save(store, step, 1.0)
    (folder / "checkpoint-1.json").unlink()
    shutil.rmtree(folder / "checkpoint-1")
    save(store, 4, 1.0)
    told = [line for line in (folder / "checkpoint").read_text().splitlines() if line.startswith("all_")]
    assert [line[-2] for line in told] == [name[-1] for name in expect["all_after_save"]]


def restore_ckpt_overrides_checkpoint_state(given, expect, folder):
    named = given["restore_dir_checkpoint"]
    source, model = folder / "source", folder / "model"
    source.mkdir()
    state = CheckpointState(named["model_checkpoint_path"], named["all"])
    (source / "checkpoint").write_bytes(state.to_text())
    assert restored(model) is None
    copy_checkpoint_from_restore_dir(source, model, given["restore_ckpt"])
    assert restored(model).model_checkpoint_path == expect["model_dir_checkpoint_basename"]
    assert {path.name for path in model.iterdir()} == {"checkpoint", *expect["files_created"]}


def sharded_file_name(given, expect, _folder):
    names = [shard_name(given["prefix"], shard, given["shards"]) for shard in range(given["shards"])]
    assert names == expect["names"]


def is_complete(base, names):
    try:
        return count_shards(base, names) > 0
    except CheckpointError:
        return False


def validate_sharded_files(given, expect, _folder):
    assert [is_complete(base, names) for base, names in given["cases"]] == expect["ok"]
    assert count_shards(*given["cases"][1]) == expect["nshards_of_second"]


def restore_under_another_table_name(_given, expect, folder):
    """T1 was dumped with 1 → 1.0, and the checkpoint that takes it in calls its table T2."""
    config, rows = TableConfig([Segment(1, Zeros(), Sgd())]), rows_of({"1": [1.0]})
    write_table(folder / "MonolithHashTable_T1_0", dump_of(config, rows))
    store = CheckpointStore(folder / "model", disk=RecordingDisk())
    files = [write_rows(store.begin(1), "T2", rows_of({"1": [7.0]}), shard=0, shards=1)]
    manifest = store.commit(Manifest(step=1, model="m", tables={"T2": config}, shards=1, files=files))
    import_dump(store, manifest, folder, {"T2": "T1"})
    restored_as = store.latest()
    found = read_rows(store.folder(restored_as), restored_as.files[0])
    assert (found.fids.tolist(), found.values.tolist()) == ([1], expect["lookup_1"])


HERE = [name for name in by_name("checkpoint") if name in globals()]


@pytest.mark.parametrize("vector", vectors("checkpoint", *HERE))
def test_vector(vector, tmp_path):
    globals()[vector["name"]](vector["given"], vector["expect"], tmp_path)
