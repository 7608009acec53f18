"""Rows as upstream dumps them: what its own message reads is what was given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monolith.checkpoint.entry_dump import WritableFile
from monolith.core.errors import CheckpointError
from monolith.core.records import read_records
from monolith.testing.faulty_disk import FaultyDisk
from monolith.wire.embedding_hash_table_pb2 import EntryDump

IDS = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4)
FLOATS = st.floats(width=32, allow_nan=False)


@given(st.data())
def test_each_row_becomes_a_record(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("dump") / "deep" / "er" / "dump"
    ids, dim = data.draw(IDS), data.draw(st.integers(0, 3))
    numbers = data.draw(arrays(np.float32, (len(ids), 1 + dim), elements=FLOATS))
    with WritableFile(path) as file:
        file.append_entry_dump(ids, numbers[:, 0], numbers[:, 1:])
    entries = [EntryDump(id=one, num=row.tolist()) for one, row in zip(ids, numbers, strict=True)]
    assert list(read_records(path)) == [entry.SerializeToString() for entry in entries]


def test_what_is_written_appears_when_closed(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    file = WritableFile(path)
    file.append(b"new ")
    file.append(b"bytes")
    assert path.read_bytes() == b"old"
    file.close()
    file.close()
    assert path.read_bytes() == b"new bytes"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_what_failed_does_not_appear(tmp_path):
    def written_by_half() -> None:
        with WritableFile(tmp_path / "file") as file:
            file.append(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        written_by_half()
    assert not list(tmp_path.iterdir())


def test_a_failing_disk_leaves_old_or_new(tmp_path):
    path = tmp_path / "deep" / "file"
    for fail_at in range(100):
        disk = FaultyDisk(fail_at)
        try:
            with WritableFile(path, disk) as file:
                file.append(b"%d" % fail_at)
        except CheckpointError:
            assert disk.count > fail_at
            assert not path.exists() or path.read_bytes() == b"%d" % fail_at
        if disk.count <= fail_at:
            assert path.read_bytes() == b"%d" % fail_at
            return
        path.unlink(missing_ok=True)
    pytest.fail("the disk never came to its end")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (([], [1], [1]), "item_id must be non-empty"),
        (([1, 2], [1], [1]), "bias must have the same length as item_id"),
        (([1, 2], [1, 1], [1, 1, 1]), "embedding length must be divisible by batch size"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, given, said):
    file = WritableFile(tmp_path / "file")
    for _ in range(2):  # whether it is open or closed
        with pytest.raises(CheckpointError) as caught:
            file.append_entry_dump(*given)
        assert str(caught.value) == said
        file.close()
    assert (tmp_path / "file").read_bytes() == b""


def test_nothing_is_added_to_a_closed_file(tmp_path):
    file = WritableFile(tmp_path / "file")
    file.close()
    for append in (lambda: file.append(b"x"), lambda: file.append_entry_dump([1], [1], [])):
        with pytest.raises(CheckpointError, match=r"file: file is closed$"):
            append()
