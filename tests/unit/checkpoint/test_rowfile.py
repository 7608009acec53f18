"""Rows in, the same rows out, by fid."""

from dataclasses import replace

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monolith.checkpoint.files import FileEntry
from monolith.checkpoint.rowfile import read_rows, write_rows
from monolith.checkpoint.tensorfile import write_tensors
from monolith.core.errors import CheckpointUnreadable
from monolith.table.rows import TableRows
from monolith.testing.faulty_disk import RecordingDisk


def rows(fids, dim=2, slot_dim=1):
    """Rows whose values tell their fid."""
    fids = np.array(fids, np.int64)
    column = (fids % 1000).astype(np.float32)[:, None]
    return TableRows(fids, np.repeat(column, dim, 1), np.repeat(-column, slot_dim, 1))


def write(folder, given, table="t", shard=0):
    return write_rows(folder, table, given, shard=shard, shards=2, disk=RecordingDisk())


@settings(max_examples=30)
@given(
    fids=st.lists(st.integers(-(2**63), 2**63 - 1), unique=True, max_size=20),
    dim=st.integers(1, 3),
    slot_dim=st.integers(0, 3),
)
def test_rows_come_back_sorted(tmp_path_factory, fids, dim, slot_dim):
    folder = tmp_path_factory.mktemp("rows")
    entry = write(folder, rows(fids, dim, slot_dim))
    back, expected = read_rows(folder, entry), rows(sorted(fids), dim, slot_dim)
    for name in ("fids", "values", "slots"):
        np.testing.assert_array_equal(getattr(back, name), getattr(expected, name))
    assert (entry.count, entry.kind, entry.table) == (len(fids), "rows", "t")


def test_order_does_not_change_the_bytes(tmp_path):
    assert write(tmp_path, rows([3, 1, 2])) == write(tmp_path, rows([1, 2, 3]))


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("user", "user"),
        ("user/age", "user%2Fage"),
        ("..", ".."),
        ("größe", "gr%C3%B6%C3%9Fe"),
        ("a b", "a%20b"),
    ],
)
def test_the_name_tells_shard_and_table(tmp_path, table, name):
    entry = write(tmp_path, rows([1]), table, shard=1)
    assert entry.name == f"ps-1-of-2-{name}.safetensors"
    assert (tmp_path / entry.name).is_file()
    assert entry.table == table


def test_long_names_stay_apart(tmp_path):
    entries = [write(tmp_path, rows([1]), "x" * 300 + end) for end in "ab"]
    assert len({e.name for e in entries}) == 2
    assert all(len(e.name) < 255 for e in entries)


@pytest.mark.parametrize(("told", "back"), [(None, 9), (0, 0), (12, 12)])
def test_how_late_it_was_comes_back(tmp_path, told, back):
    given = replace(rows([1, 2]), times=np.array([9, 8], np.uint32), told=told)
    assert read_rows(tmp_path, write(tmp_path, given)).latest_told == back


def test_older_files_do_not_say_how_late_it_was(tmp_path):
    """Their times may be steps, by which nobody may leave."""
    given = replace(rows([1]), times=np.array([9], np.uint32))
    tensors = {name: getattr(given, name) for name in ("fids", "values", "slots", "times")}
    written = write_tensors(tmp_path / "old", tensors, RecordingDisk())
    entry = FileEntry(name="old", kind="rows", size=written.size, crc32c=written.crc32c, count=1)
    back = read_rows(tmp_path, entry)
    assert (back.times.tolist(), back.latest_told) == ([9], 0)


def test_a_file_of_something_else_is_refused(tmp_path):
    entry = write(tmp_path, rows([1, 2]))
    with pytest.raises(CheckpointUnreadable, match="does not hold 3 rows of a table"):
        read_rows(tmp_path, attrs.evolve(entry, count=3))
