"""What a filter remembers, and which file of it is none of ours."""

import numpy as np
import pytest

from monolith.checkpoint import filterfile
from monolith.checkpoint.files import FileEntry
from monolith.checkpoint.filterfile import read_filter, write_filter
from monolith.checkpoint.tensorfile import write_tensors
from monolith.core.errors import CheckpointMismatch
from monolith.testing.faulty_disk import RecordingDisk

STATE = {"cells": np.arange(5, dtype=np.uint16), "meta": np.array([1, 2])}


def test_a_state_comes_back(tmp_path):
    same(read_filter(tmp_path, write(tmp_path)))


def test_a_file_without_format_is_of_the_first(tmp_path):
    written = write_tensors(tmp_path / "old", STATE, RecordingDisk())
    entry = FileEntry(name="old", kind="filter", size=written.size, crc32c=written.crc32c)
    same(read_filter(tmp_path, entry))


def test_another_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(filterfile, "FORMAT", 2)
    entry = write(tmp_path)
    monkeypatch.undo()
    said = rf"{entry.name}: has format 2, and this program reads 1: use"
    with pytest.raises(CheckpointMismatch, match=said):
        read_filter(tmp_path, entry)


def write(folder):
    return write_filter(folder, "t", STATE, shard=0, shards=1, disk=RecordingDisk())


def same(state):
    assert state.keys() == STATE.keys()
    assert all(np.array_equal(state[name], STATE[name]) for name in STATE)
