"""docs/failures.md quotes what is really said of a model directory and of an export."""

import errno
import os
from pathlib import Path

import pytest

from monolith.checkpoint.boundary import loading, saving
from monolith.checkpoint.store import CheckpointStore
from monolith.core.errors import CheckpointError, CheckpointInUse, CheckpointUnreadable, ServingError
from monolith.serving.export import ExportWriter
from monolith.serving.model import ServingModel
from monolith.testing.exports import write_tiny_export
from monolith.testing.faulty_disk import FaultyDisk, RecordingDisk
from monolith.testing.small_job import load, save

PAGE = (Path(__file__).parents[3] / "docs" / "failures.md").read_text()
SAVED, READ = (
    Path("runs/checkpoint-300.part-0c1f97ae/dense.safetensors"),
    Path("runs/checkpoint-300/dense.safetensors"),
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def trouble(number):
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("told", "path", "number"),
    [(saving, SAVED, errno.ENOSPC), (saving, SAVED, errno.EIO), (loading, READ, errno.EIO)],
)
def test_what_the_disk_does(told, path, number):
    with pytest.raises(CheckpointError) as caught, told(path):
        raise trouble(number)
    assert f"`{caught.value}`" in PAGE


def test_damage():
    store = CheckpointStore("runs", disk=RecordingDisk())
    save(store, 300, 1.0)
    READ.unlink()
    with pytest.raises(CheckpointUnreadable) as caught:
        store.resume(lambda manifest: load(store, manifest))
    assert f"`{caught.value}`" in PAGE
    assert f"`{store.warnings[0]}`" in PAGE


def test_somebody_else():
    assert f"`{CheckpointInUse('runs', 'process 4711 on trainer-2')}`" in PAGE


def test_an_export():
    with (
        pytest.raises(ServingError) as caught,
        ExportWriter(Path("out"), 300, disk=FaultyDisk(0, errno.ENOSPC)),
    ):
        pass
    assert f"`{caught.value}`" in PAGE


def test_a_version():
    write_tiny_export(Path("out"), 300)
    Path("out/300/dense.onnx").unlink()
    with pytest.raises(ServingError) as caught:
        ServingModel.load(Path("out/300"))
    assert f"`version 300 of ctr cannot be served: {caught.value}`" in PAGE
