"""CSV and Parquet files as chunks."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from monolith.core.errors import DataError, MissingExtra, NoFilesMatched, SchemaError
from monolith.data import arrow, tables
from monolith.data.tables import table_chunks

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    for module in (arrow, tables):
        monkeypatch.setattr(module, "CHUNK_ROWS", 2)


def read(path, *names):
    chunks = list(table_chunks(str(path), names)())
    held = {name: [v for chunk in chunks for v in chunk[name].tolist()] for name in names}
    return held, [(chunk.source, chunk.first_row, len(chunk)) for chunk in chunks]


def test_a_text_is_read_in_chunks(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('\ufeffx,y,z\n1,"a,b",\n2,,c\n3,"d\nd",e\n')
    held, chunks = read(path, "y", "x")
    assert held == {"y": ["a,b", "", "d\nd"], "x": ["1", "2", "3"]}
    assert chunks == [(str(path), 1, 2), (str(path), 3, 1)]


def test_tabs_separate_in_tsv(tmp_path):
    (tmp_path / "a.tsv").write_text("x\ty\n1,0\t2\n")
    assert read(tmp_path / "a.tsv", "x", "y")[0] == {"x": ["1,0"], "y": ["2"]}


def test_parquet_keeps_its_types(tmp_path):
    path = tmp_path / "a.parquet"
    columns = {"x": [1 << 60, None, 3], "y": ["a", None, "c"], "z": [0.5, 1.5, None], "unused": [1, 2, 3]}
    parquet.write_table(pyarrow.table(columns), path)
    held, chunks = read(path, "x", "y", "z")
    assert held["x"] == [1 << 60, None, 3]
    assert held["y"] == ["a", None, "c"]
    assert held["z"][:2] == [0.5, 1.5]
    assert np.isnan(held["z"][2])
    assert chunks == [(str(path), 1, 2), (str(path), 3, 1)]


def test_parquet_keeps_lists(tmp_path):
    columns = {"many": [["a", "b"], ["c"], None], "two": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", "many", "two")[0] == columns


def test_files_follow_each_other(tmp_path):
    (tmp_path / "b.csv").write_text("x\n1\n")
    (tmp_path / "c.tsv").write_text("x\n2\n")
    chunks = table_chunks(f"{tmp_path}/*sv", ["x"])
    for _ in range(2):  # it can be read again
        assert [chunk["x"].tolist() for chunk in chunks()] == [["1"], ["2"]]


REFUSED = {
    "short row": ("a.csv", b"x,y\n1,2\n3\n", SchemaError, "row 2 has 1 fields, the first line names 2"),
    "no column": ("a.csv", b"y\n1\n", SchemaError, r"no column 'x' \(columns: y\)"),
    "twice": ("a.csv", b"x,x\n1,2\n", SchemaError, r"2 columns 'x' \(columns: x, x\)"),
    "empty": ("a.csv", b"", SchemaError, "no column 'x'"),
    "not text": ("a.csv", b"x\n\xff\n", DataError, "cannot be read as CSV"),
    "open quote": ("a.csv", b'x\n"1\n', DataError, "cannot be read as CSV"),
    "not parquet": ("a.parquet", b"x\n1\n", DataError, "cannot be read as Parquet"),
    "suffix": ("a.xls", b"", DataError, "suffix '.xls' does not tell"),
}


@pytest.mark.parametrize(("name", "data", "error", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_that_is_not_is_named(tmp_path, name, data, error, said):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(error, match=said) as caught:
        read(path, "x")
    assert caught.value.path == str(path)


def test_a_column_that_parquet_lacks_is_named(tmp_path):
    parquet.write_table(pyarrow.table({"y": [1]}), tmp_path / "a.parquet")
    with pytest.raises(SchemaError, match=r"no column 'x' \(columns: y\)"):
        read(tmp_path / "a.parquet", "x")


def test_nothing_matches(tmp_path):
    with pytest.raises(NoFilesMatched):
        table_chunks(f"{tmp_path}/*.csv", ["x"])


def test_parquet_wants_an_extra(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").touch()
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtra, match=r"monolith-recsys\[arrow\]"):
        read(tmp_path / "a.parquet", "x")
