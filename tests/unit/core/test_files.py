"""Whole or not at all: whatever call fails, and whenever the power does."""

import errno
import os
import random
from pathlib import Path

import google_crc32c
import numpy as np
import pytest

from monolith.core.files import CHUNK, Written, isabs, make_folders, replacing, write_atomically, write_file
from monolith.testing.crashes import Crashes
from monolith.testing.faulty_disk import FaultyDisk, RecordingDisk

OLD, NEW = b"old", b"new" * 500


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    return path


def recorded(file):
    disk = RecordingDisk()
    crashes = Crashes(file.parent)
    write_atomically(file, NEW, disk)
    return disk.calls, crashes


def contents(crashes, calls, path):
    """What a crash after each prefix may leave of `path`: (calls done, content) pairs."""
    chance = random.Random(0)
    return {
        (done, content)
        for done, tree in crashes.after_each(calls, 30, chance)
        for name, content in tree.items()
        if name.name == path.name
    }


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 1])
def test_size_and_checksum_are_told(tmp_path, size):
    data = np.random.default_rng(size).integers(0, 256, size, np.uint8)
    written = write_file(tmp_path / "file", [data[: size // 3], data[size // 3 :]])
    assert (tmp_path / "file").read_bytes() == data.tobytes()
    assert written == Written(size, google_crc32c.value(data.tobytes()))


def test_replacing_gives_the_new_content(file):
    write_atomically(file, NEW)
    assert file.read_bytes() == NEW
    assert list(file.parent.iterdir()) == [file]


def test_a_block_that_raises_changes_nothing(file):
    with pytest.raises(ZeroDivisionError), replacing(file) as out:
        out.write(NEW[: 1 // 0])
    assert file.read_bytes() == OLD
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("for_good", [False, True])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("at", range(6))
def test_a_call_that_fails_harms_nothing(file, at, error, for_good):
    with pytest.raises(OSError, match=os.strerror(error)):
        write_atomically(file, NEW, FaultyDisk(at, error, for_good=for_good))
    assert file.read_bytes() in (OLD, NEW)


def test_six_calls_are_all_there_are(file):
    calls, _ = recorded(file)
    assert [c.name for c in calls] == ["open", "write", "sync", "close", "rename", "sync_folder"]


def test_a_crash_leaves_old_or_new(file):
    calls, crashes = recorded(file)
    left = contents(crashes, calls, file)
    assert {content for _, content in left} == {OLD, NEW}
    assert {content for done, content in left if done == len(calls)} == {NEW}


@pytest.mark.parametrize("forgotten", ["sync", "sync_folder"])
def test_a_forgotten_sync_would_be_seen(file, forgotten):
    calls, crashes = recorded(file)
    calls = [c for c in calls if c.name != forgotten]
    assert {content for done, content in contents(crashes, calls, file) if done == len(calls)} != {NEW}


def test_folders_are_made_durably(tmp_path):
    disk = RecordingDisk()
    make_folders(tmp_path / "a" / "b", disk)
    make_folders(tmp_path / "a" / "b", disk)
    assert [(c.name, c.path.name) for c in disk.calls] == [
        ("make_folder", "a"), ("sync_folder", tmp_path.name), ("make_folder", "b"), ("sync_folder", "a"),
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["/a", Path("/a"), "hdfs:/a", "hdfs://host/a"])
def test_an_absolute_path(path):
    assert isabs(path)


@pytest.mark.parametrize("path", ["", "a", Path("a/b"), "./hdfs:/a", "hdfs", "s3://a"])
def test_a_relative_path(path):
    assert not isabs(path)
