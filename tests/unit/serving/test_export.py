"""A version is there whole or not at all, and the one before it stays until then."""

import errno
import shutil

import pytest

from monolith.core.errors import ServingError
from monolith.serving.export import ExportWriter
from monolith.serving.manifest import read_manifest
from monolith.serving.model import ServingModel
from monolith.testing.exports import write_tiny_export
from monolith.testing.faulty_disk import FaultyDisk, RecordingDisk


def calls_of_an_export(output, replacing=False):
    if replacing:
        write_tiny_export(output)
    disk = RecordingDisk()
    write_tiny_export(output, disk=disk)
    return disk.calls


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("replacing", [False, True])
def test_any_failing_call_is_told_and_leaves_what_was_there(tmp_path, replacing, for_good):
    """But where all that fails is to make the new name durable, and then to give it back."""
    new = write_tiny_export(tmp_path / "new")
    calls = len(calls_of_an_export(tmp_path / "counted", replacing))
    for at in range(calls):
        output = tmp_path / str(at)
        old = write_tiny_export(output, bits=8) if replacing else None
        with pytest.raises(ServingError) as caught:
            write_tiny_export(output, disk=FaultyDisk(at, for_good=for_good))
        there = [ServingModel.load(folder).manifest for folder in output.glob("[!.]*")]
        before = [old] if old else []
        lasting = for_good and at == calls - 1
        left = "it is there, until the power fails" if lasting else "what was there is as it was"
        assert there == ([new] if lasting else before)
        assert str(caught.value) == f"{output / '1'} cannot be written: Input/output error; {left}"


def test_the_first_trouble_is_told_and_that_with_the_hidden_folder_beside_it(tmp_path, monkeypatch):
    def refuse(folder):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(ServingError, match="Input/output error") as caught:
        write_tiny_export(tmp_path, disk=FaultyDisk(3))
    assert caught.value.__notes__ == [
        f"{tmp_path / '.1.part'} could not be removed (Read-only file system): the next export does"
    ]


def test_manifest_is_written_last(tmp_path):
    """So that a folder with a manifest has everything that the manifest names."""
    written = [c.path.name for c in calls_of_an_export(tmp_path) if c.name == "open"]
    assert "manifest" in written[-1]


def test_name_is_given_after_all_is_synced(tmp_path):
    calls = calls_of_an_export(tmp_path)
    renamed = next(i for i, c in enumerate(calls) if c.name == "rename" and c.target == tmp_path / "1")
    synced = {c.path.name for c in calls[:renamed] if c.name in ("sync", "sync_folder")}
    opened = {c.path.name for c in calls if c.name == "open"}
    assert opened <= synced
    assert calls[renamed - 1].name == "sync_folder"
    assert calls[renamed + 1].name == "sync_folder"


def test_same_model_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_tiny_export(tmp_path / name)
    files = sorted(p.name for p in (tmp_path / "a/1").iterdir())
    assert files == [
        "dense.onnx",
        "manifest.json",
        "table-0.safetensors",
        "table-1.safetensors",
        "warmup.records",
    ]
    for file in files:
        assert (tmp_path / "a/1" / file).read_bytes() == (tmp_path / "b/1" / file).read_bytes()


def test_existing_version_needs_overwrite(tmp_path):
    before = write_tiny_export(tmp_path)
    with pytest.raises(ServingError, match=r"/1 exists: give --overwrite to replace it, or another"):
        ExportWriter(tmp_path, 1)
    assert read_manifest(tmp_path / "1") == before


def test_leftovers_of_a_crash_are_cleared(tmp_path):
    (tmp_path / ".1.part").mkdir()
    (tmp_path / ".1.part" / "torn").touch()
    (tmp_path / ".1.old").mkdir()
    write_tiny_export(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["1"]


def test_quantisation_tells_its_error(tmp_path):
    tables = write_tiny_export(tmp_path, bits=8).tables
    assert tables["users"].bits == 8
    assert 0 < tables["users"].mean_error <= tables["users"].max_error <= 0.5 * 1.0 / 127
