"""Tables in upstream's files and back: what comes back is what was there, or one sentence says why not."""

from __future__ import annotations

import numpy as np
import pytest

from monolith.checkpoint.entry_reading import read_table, read_tables, tables_in
from monolith.checkpoint.entry_tables import Dump, dump_of, write_table, write_tables
from monolith.core.errors import (
    CheckpointError,
    CheckpointIncomplete,
    CheckpointNotFound,
    CheckpointUnreadable,
)
from monolith.core.records import read_records, write_records
from monolith.table import layout
from monolith.table.config import Adagrad, Adam, BatchSoftmax, Ftrl, Segment, Sgd, TableConfig, Zeros
from monolith.table.rows import TableRows
from monolith.table.table import Table
from monolith.testing.faulty_disk import FaultyDisk
from monolith.wire.embedding_hash_table_pb2 import EntryDump
from tests.upstream import by_name

CONFIG = TableConfig(
    [Segment(1, Zeros(), Ftrl()), Segment(3, Zeros(), Adagrad()), Segment(2, Zeros(), Adam()), Segment(1)]
)
OTHER = TableConfig([Segment(2, Zeros(), Sgd())])


def trained(config: TableConfig, count: int) -> Dump:
    table, random = Table(config, seed=3), np.random.default_rng(count)
    fids = random.integers(-(2**63), 2**63 - 1, count)
    for step in range(2):
        table.apply(fids, random.normal(size=(count, config.dim)), step=step)
    return Dump(config, table.export(), random.integers(0, 2_000_000_000, count))


def assert_same(one: Dump, other: Dump) -> None:
    pairs = zip(
        (one.rows.fids, one.rows.values, one.rows.slots, one.times),
        (other.rows.fids, other.rows.values, other.rows.slots, other.times),
        strict=True,
    )
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("rows", [0, 1, 250])
@pytest.mark.parametrize("shards", [0, 1, 3])
def test_a_table_comes_back(tmp_path, rows, shards):
    """Whatever is read back learns on as if it had never left."""
    dump, base = trained(CONFIG, rows), tmp_path / "deep" / "MonolithHashTable_t"
    paths = write_table(base, dump, shards=shards)
    assert sorted(base.parent.iterdir()) == paths
    assert len(paths) == max(shards, 1)
    assert_same(read_table(base, CONFIG), dump)


@pytest.mark.parametrize("shards", [0, 2])
def test_tables_come_back_together(tmp_path, shards):
    dumps = {"one": trained(CONFIG, 40), "none": trained(OTHER, 0), "two": trained(OTHER, 30)}
    write_tables(tmp_path / "multi", dumps, shards=shards)
    assert tables_in(tmp_path / "multi") == {"one": 40, "none": 0, "two": 30}
    found = read_tables(tmp_path / "multi", {"two": OTHER, "none": OTHER, "three": OTHER})
    assert found.keys() == {"two", "none"}
    assert_same(found["two"], dumps["two"])


def test_ten_parts_cover_everything_once(tmp_path):
    vector = by_name("hash_table")["save_ten_shards_covers_everything_once"]
    fids = np.arange(-13000, 13000)
    table = Table(TableConfig([Segment(1, Zeros(), Sgd())]))
    table.assign(fids, fids + 13000)
    write_table(tmp_path / "t", dump_of(table.config, table.export()), shards=vector["given"]["save_shards"])
    table.restore(read_table(tmp_path / "t", table.config).rows)
    assert len(table) == vector["expect"]["total_entries"]
    assert (table.find(fids)[0][:, 0] == fids + 13000).all()


def test_upstreams_own_message_reads_it(tmp_path):
    dump = dump_of(OTHER, trained(OTHER, 5).rows, time=1234)
    (path,) = write_table(tmp_path / "t", dump)
    entries = [EntryDump.FromString(payload) for payload in read_records(path)]
    assert [entry.id for entry in entries] == dump.rows.fids.tolist()
    assert {entry.last_update_ts_sec for entry in entries} == {1234}
    assert all(entry.opt.dump[0].HasField("sgd") for entry in entries)


@pytest.mark.parametrize("optimizer", layout.PARTS, ids=lambda kind: kind.__name__)
def test_every_optimizers_state_comes_back(tmp_path, optimizer):
    """Each between two others, whose columns it must not touch."""
    dim = 1 if optimizer is BatchSoftmax else 3
    config = TableConfig([Segment(2), Segment(dim, Zeros(), optimizer()), Segment(1, Zeros(), Ftrl())])
    dump = trained(config, 20)
    write_table(tmp_path / "t", dump)
    assert_same(read_table(tmp_path / "t", config), dump)


def test_a_step_is_a_whole_number(tmp_path):
    """Ours is two floats; upstream's an int64, which no float holds from 2^24 on. Unsaid, it is 0."""
    config, step = TableConfig([Segment(1, Zeros(), BatchSoftmax())]), 2**40 + 3
    table = Table(config)
    table.apply([7], [[0]], step=step)
    (path,) = write_table(tmp_path / "t", dump_of(config, table.export()))
    (payload,) = read_records(path)
    assert EntryDump.FromString(payload).opt.dump[0].batch_softmax.global_step == step
    write_records(path, [EntryDump(id=7, num=[1]).SerializeToString()])
    assert read_table(tmp_path / "t", config).rows.slots.tolist() == [[0, 0]]


def missing(folder):
    (folder / "t-00001-of-00002").unlink()


def altered(folder):
    path = folder / "t-00001-of-00002"
    path.write_bytes(path.read_bytes()[:-9] + b"x" + path.read_bytes()[-8:])


def cut(folder):
    path = folder / "t-00000-of-00002"
    path.write_bytes(path.read_bytes()[:-5])


def twice(folder):
    (folder / "t-00001-of-00002").write_bytes((folder / "t-00000-of-00002").read_bytes())


def another_tables(folder):
    write_records(folder / "t-00001-of-00002", [EntryDump(id=9, num=[1]).SerializeToString()])


def gone(folder):
    for path in folder.iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("harm", "error", "told"),
    [
        (missing, CheckpointIncomplete, "t-00001-of-00002 is missing"),
        (altered, CheckpointUnreadable, "t-00001-of-00002: byte .*payload has another checksum"),
        (cut, CheckpointUnreadable, "t-00000-of-00002: byte .*ends in the middle of a record"),
        (twice, CheckpointUnreadable, "t: id .* was dumped twice"),
        (
            another_tables,
            CheckpointUnreadable,
            "00001-of-00002: the entry of id 9: .*more or fewer",
        ),
        (gone, CheckpointNotFound, "there is no t-00000-of-00001"),
    ],
)
def test_damage_is_told(tmp_path, harm, error, told):
    write_table(tmp_path / "t", trained(OTHER, 8), shards=2)
    harm(tmp_path)
    with pytest.raises(error, match=told):
        read_table(tmp_path / "t", OTHER)


@pytest.mark.parametrize(("rows", "refused"), [(250, False), (4000, True)])
def test_an_emptied_part_of_a_large_table(tmp_path, rows, refused):
    """A part of a small table may be empty."""
    fids = np.arange(rows)
    dump = dump_of(OTHER, TableRows(fids, np.ones((rows, 2), np.float32), np.empty((rows, 0), np.float32)))
    emptied = write_table(tmp_path / "t", dump, shards=2)[1]
    emptied.write_bytes(b"")
    if not refused:
        assert len(read_table(tmp_path / "t", OTHER).rows) == rows // 2
        return
    with pytest.raises(CheckpointUnreadable, match="-00001-of-00002: is empty, where 2 parts have 1000 e"):
        read_table(tmp_path / "t", OTHER)


def test_counts_must_be_right(tmp_path):
    write_tables(tmp_path / "a", {"t": trained(OTHER, 8)})
    for rows, told in ((9, "ends 1 records too soon"), (7, "more records than")):
        write_tables(tmp_path / "b", {"t": trained(OTHER, rows)})
        (tmp_path / "a.meta-00000-of-00001").write_bytes((tmp_path / "b.meta-00000-of-00001").read_bytes())
        with pytest.raises(CheckpointUnreadable, match=told):
            read_tables(tmp_path / "a", {"t": OTHER})


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CheckpointIncomplete, match="missing"):
        read_table(tmp_path / "nowhere" / "t", OTHER)


def test_a_full_disk_leaves_whole_files(tmp_path):
    dump, failed = trained(OTHER, 8), 0
    for fail_at in range(60):
        folder = tmp_path / str(fail_at)
        folder.mkdir()
        try:
            write_table(folder / "t", dump, disk=FaultyDisk(fail_at))
        except CheckpointError:
            failed += 1
        for path in folder.iterdir():
            assert_same(read_table(path.with_name("t"), OTHER), dump)
    assert 0 < failed < 60
