"""Converting: the same bytes every time, and a folder that is there whole or not at all."""

from __future__ import annotations

import errno
import os

import attrs
import google_crc32c
import numpy as np
import pytest

from monolith.core.errors import DataError, SchemaError
from monolith.core.progress import Silent
from monolith.core.schema import Split
from monolith.data.convert import convert
from monolith.data.dataset import Dataset
from monolith.data.reading import Reading
from tests.unit.data.conftest import ROWS, SCHEMA, chunked, columns, labels

THREE = attrs.evolve(SCHEMA, split=Split(time="label", valid=0.2, test=0.1))


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_rows_give_the_same_bytes(tmp_path):
    for name, size in (("a", 50), ("b", 50), ("c", 7)):
        convert(THREE, chunked(columns(), size), tmp_path / name, Silent())
    assert files(tmp_path / "a") == files(tmp_path / "b") == files(tmp_path / "c")


def test_splits_follow_time(tmp_path):
    dataset = convert(THREE, chunked(columns()), tmp_path / "new" / "folder", Silent())
    assert dataset.schema == THREE
    read = [labels(dataset.batches(Reading(split=s, shuffle=False))) for s in ("train", "valid", "test")]
    assert [list(range(161)), list(range(161, 207)), list(range(207, ROWS))] == read


def test_the_index_tells_what_is_there(stored):
    index = stored.indices["train"]
    assert [part.name for part in index.parts] == [f"part-{i:05d}-of-00008.tfrecord" for i in range(8)]
    assert [block.rows for part in index.parts for block in part.blocks] == [10] * 23
    for part in index.parts:
        data = (stored.folder / "train" / part.name).read_bytes()
        assert (part.size, part.crc32c) == (len(data), google_crc32c.value(data))
    assert Dataset.open(stored.folder) == stored


def test_an_empty_split_can_be_read(stored):
    assert stored.rows("valid") == 0
    assert list(stored.batches(Reading(split="valid"))) == []


def test_a_wrong_value_leaves_nothing(tmp_path):
    held = columns() | {"label": np.array([*range(ROWS - 1), "bad"], object)}
    with pytest.raises(SchemaError, match=f"memory: row {ROWS}: column 'label' is 'bad'"):
        convert(SCHEMA, chunked(held), tmp_path / "new", Silent())
    assert list(tmp_path.iterdir()) == []


def test_full_disk_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("monolith.core.records.RecordWriter.write", full)
    with pytest.raises(DataError, match=f"{tmp_path / 'new'}: the dataset cannot be written .No space left"):
        convert(SCHEMA, chunked(columns()), tmp_path / "new", Silent())
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_replaced(stored):
    before = files(stored.folder)
    with pytest.raises(DataError, match="something here already"):
        convert(SCHEMA, chunked(columns()), stored.folder, Silent())
    assert files(stored.folder) == before


def test_what_a_crash_left_is_removed(tmp_path):
    rubbish = tmp_path / ".new.part" / "train"
    rubbish.mkdir(parents=True)
    (rubbish / "part-00099.tfrecord").touch()
    dataset = convert(SCHEMA, chunked(columns()), tmp_path / "new", Silent())
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert len(list((dataset.folder / "train").iterdir())) == 9


def test_nothing_to_convert_is_a_dataset(tmp_path):
    for schema in (SCHEMA, THREE):
        dataset = convert(schema, list, tmp_path / schema.split.time / "new", Silent())
        assert dataset.rows("train") == 0
