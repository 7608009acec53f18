"""A checkpoint's tables, dumped and taken back, under whatever name."""

from __future__ import annotations

from dataclasses import replace

import attrs
import numpy as np
import pytest

from monolith.checkpoint.dump_names import TABLE
from monolith.checkpoint.entry_exchange import Dumping, dumped, export_dump, import_dump, is_dump_of
from monolith.checkpoint.entry_tables import dump_of, write_table, write_tables
from monolith.checkpoint.rowfile import read_rows
from monolith.checkpoint.store import CheckpointStore
from monolith.core.errors import CheckpointError, CheckpointNotFound, CheckpointUnreadable
from monolith.table.layout import slot_dim
from monolith.table.rows import TableRows
from monolith.testing.faulty_disk import RecordingDisk
from monolith.testing.small_job import TABLES, load, save
from tests.upstream import by_name

ITEM = TABLES["item"]


@pytest.fixture
def store(tmp_path):
    return CheckpointStore(tmp_path / "model", disk=RecordingDisk(), max_to_keep=0)


def marked(config, fids, mark):
    values, slots = (np.full((len(fids), n), mark, np.float32) for n in (config.dim, slot_dim(config)))
    return dump_of(config, TableRows(np.array(fids, np.int64), values, slots))


def held(store, table):
    """fid -> its first value, and the server that has it."""
    manifest = store.latest()
    parts = [(e.shard, read_rows(store.folder(manifest), e)) for e in manifest.files if e.table == table]
    return {f: (v, shard) for shard, r in parts for f, v in zip(r.fids.tolist(), r.values[:, 0], strict=True)}


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("parts", [0, 3])
def test_a_checkpoint_comes_back(store, tmp_path, together, parts):
    """Whatever had been saved over it meanwhile; what is no table stays as that."""
    dump = tmp_path / "model.ckpt-10.assets"
    how = Dumping(together=together, shards=parts)
    assert export_dump(store, save(store, 10, mark=1), dump, how) == {"item": 10, "user/age": 10}
    assert import_dump(store, save(store, 10, mark=2, shards=3), dump, {}) == {"item": 10, "user/age": 10}
    assert held(store, "item") == {fid: (1, fid % 3) for fid in range(10)}
    assert set(store.load_dense(store.latest())["bias"]) == {2}
    assert not store.verify(10)


def test_times_come_along(store, tmp_path):
    """Those that rows know; the others are said to be of `time`."""
    write_table(tmp_path / f"{TABLE}item", dump_of(ITEM, timed(marked(ITEM, [1, 2], 5).rows), time=0))
    import_dump(store, save(store, 10, mark=2), tmp_path, {})
    export_dump(store, store.latest(), tmp_path / "again", Dumping(time=7))
    (one,) = (s for s in dumped(tmp_path / "again") if s.name == "item")
    assert one.read(ITEM).times.tolist() == [2**32 - 1, 7]


@pytest.mark.parametrize(("told", "times"), [(0, [7, 7]), (2**32 - 1, [2**32 - 1, 7])])
def test_steps_are_no_times(told, times):
    """Rows of a table that nobody told a time keep steps, for their order; as seconds they are of 1970."""
    rows = replace(timed(marked(ITEM, [1, 2], 5).rows), told=told)
    assert dump_of(ITEM, rows, time=7).times.tolist() == times


def timed(rows):
    return replace(rows, times=np.array([2**32 - 1, 0], np.uint32))


def test_other_tables_stay(store, tmp_path):
    write_table(tmp_path / f"{TABLE}item", marked(ITEM, [-7, 8], 5))
    assert import_dump(store, save(store, 10, mark=2), tmp_path, {}) == {"item": 2}
    assert held(store, "item") == {-7: (5, 1), 8: (5, 0)}
    assert {mark for mark, _ in held(store, "user/age").values()} == {2}


def test_parts_of_servers_are_one_table(store, tmp_path):
    write_table(tmp_path / f"{TABLE}item_0", marked(ITEM, [0, 2], 5), shards=2)
    write_table(tmp_path / f"{TABLE}item_1", marked(ITEM, [1], 6))
    write_tables(tmp_path / "any_0", {"user/age": marked(TABLES["user/age"], [4], 7)})
    write_tables(tmp_path / "any_1", {"user/age": marked(TABLES["user/age"], [5], 8)})
    assert import_dump(store, save(store, 10, mark=2), tmp_path, {}) == {"item": 3, "user/age": 2}
    assert {mark for mark, _ in held(store, "user/age").values()} == {7, 8}


def test_a_table_under_another_name(store, tmp_path):
    write_table(tmp_path / f"{TABLE}slot_3", marked(ITEM, [4], 5))
    manifest = save(store, 10, mark=2)
    assert import_dump(store, manifest, tmp_path, {"item": "slot_3"}) == {"item": 1}
    with pytest.raises(CheckpointNotFound, match="has no dump of item, user/age; it has slot_3"):
        import_dump(store, manifest, tmp_path, {})
    with pytest.raises(CheckpointNotFound, match="has no dump of slot_4; it has slot_3"):
        import_dump(store, manifest, tmp_path, {"item": "slot_3", "user/age": "slot_4"})


def test_a_table_with_another_name_in_the_dump_is_no_longer_called_by_its_own(store, tmp_path):
    for name, mark in (("item", 5), ("tags", 6)):
        write_table(tmp_path / f"{TABLE}{name}", marked(ITEM, [4], mark))
    manifest = save(store, 10, mark=2)
    with pytest.raises(CheckpointNotFound, match="has no dump of typo; it has item, tags"):
        import_dump(store, manifest, tmp_path, {"item": "typo"})
    assert import_dump(store, manifest, tmp_path, {"item": "tags"}) == {"item": 1}
    assert {mark for mark, _ in held(store, "item").values()} == {6}


def test_a_tables_own_name_comes_first(store, tmp_path):
    """`item_1` would be the second server's part of `item`, were it not a table."""
    write_table(tmp_path / f"{TABLE}item_1", marked(ITEM, [4], 5))
    manifest = attrs.evolve(save(store, 10, mark=2), tables={**TABLES, "item_1": ITEM})
    assert import_dump(store, manifest, tmp_path, {}) == {"item_1": 1}


def test_a_bad_dump_leaves_the_checkpoint(store, tmp_path):
    write_table(tmp_path / f"{TABLE}item", marked(TABLES["user/age"], [4], 5))
    manifest = save(store, 10, mark=2)
    with pytest.raises(CheckpointUnreadable, match="of another optimizer"):
        import_dump(store, manifest, tmp_path, {})
    assert load(store, store.latest()) == {2}


@pytest.mark.parametrize("together", [False, True])
def test_a_dump_of_nothing_takes_no_rows_away(store, tmp_path, together):
    """Unless it counts: the file of one table is as empty when it was cut off."""
    nothing, manifest = marked(ITEM, [], 5), save(store, 10, mark=2)
    if together:
        write_tables(tmp_path / "all", {"item": nothing})
        assert import_dump(store, manifest, tmp_path, {}) == {"item": 0}
        return
    write_table(tmp_path / f"{TABLE}item", nothing)
    with pytest.raises(CheckpointError, match="item: holds no row of item, of which the checkpoint has 10"):
        import_dump(store, manifest, tmp_path, {})
    assert len(held(store, "item")) == 10


def test_a_folder_without_dumps(tmp_path):
    (tmp_path / "checkpoint").write_text("")
    assert dumped(tmp_path) == []


FC = by_name("multi_hash_table")["restore_name_strips_fc_prefix"]
MD5 = FC["expect"]["extra_restore_names"][0]  # of "slot_0"


@pytest.mark.parametrize(
    ("name", "table", "same"),
    [
        ("item", "item", True),
        ("item_12", "item", True),
        ("item", "item_1", False),
        ("items", "item", False),
        (MD5, "slot_0", True),
        (f"{MD5}_3", FC["given"]["table"], True),
        (MD5, f"dim17-adagrad-{MD5[:8]}", True),
        (MD5, "dim17-adagrad-00000000", False),
    ],
)
def test_what_upstream_calls_a_table(name, table, same):
    assert is_dump_of(name, table) == same
