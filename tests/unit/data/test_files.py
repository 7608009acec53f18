"""Patterns of files."""

from __future__ import annotations

import pytest

from monolith.core.errors import DataError, NoFilesMatched
from monolith.data.files import matching


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    for name in ("a.csv", "b.csv", "c.txt", "sub/d.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "list").write_text("# all of it\n\n  b.csv \na.*\nb.csv\n")
    (tmp_path / "with,comma").touch()
    (tmp_path / "odd").write_text("with,comma\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


MEANT = {
    "a.csv": ["a.csv"],
    "*.csv": ["a.csv", "b.csv"],
    "b.csv,a.csv,b.csv": ["a.csv", "b.csv"],
    " c.txt , ,*.csv,": ["a.csv", "b.csv", "c.txt"],
    "[bc].*": ["b.csv", "c.txt"],
    "?.txt": ["c.txt"],
    "**/*.csv": ["a.csv", "b.csv", "sub/d.csv"],
    "su*": None,
    "@list": ["a.csv", "b.csv"],
    "@odd": ["with,comma"],
    "": None,
    " , ": None,
    "*.parquet": None,
}


@pytest.mark.parametrize(("pattern", "files"), MEANT.items())
def test_a_pattern_means_its_files(pattern, files):
    if files is None:
        with pytest.raises(NoFilesMatched) as caught:
            matching(pattern)
        assert str(caught.value) == f"No files matched pattern: {pattern}"
    else:
        assert [str(path) for path in matching(pattern)] == files


@pytest.mark.parametrize("pattern", ["a.csv,mispelt.csv", "mispelt.csv,*.csv"])
def test_a_misspelt_file_is_named(pattern):
    with pytest.raises(DataError, match=r"mispelt.csv: there is no such file \(in the pattern"):
        matching(pattern)


def test_a_missing_list_is_named():
    with pytest.raises(DataError, match=r"nolist: the list of files cannot be read"):
        matching("@nolist")
