"""Damage anywhere in a checkpoint is noticed, and the file is named."""

import pytest

from monolith.checkpoint.catalogue import Catalogue
from monolith.checkpoint.manifest import Manifest
from monolith.checkpoint.store import CheckpointStore
from monolith.core.errors import CheckpointIncomplete, CheckpointNotFound, CheckpointUnreadable
from monolith.testing.faulty_disk import RecordingDisk
from monolith.testing.small_job import save


@pytest.fixture
def model_dir(tmp_path):
    save(CheckpointStore(tmp_path, disk=RecordingDisk()), 7, 1.0, shards=1)
    return tmp_path


FILES = ["ps-0-of-1-item.safetensors", "ps-0-of-1-user%2Fage.safetensors", "dense.safetensors"]


def flipped(content):
    for at in range(len(content)):
        yield content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :]


def cut(content):
    for length in range(len(content)):
        yield content[:length]


def one_more(content):
    yield content + b"\0"


@pytest.mark.parametrize("harm", [flipped, cut, one_more])
@pytest.mark.parametrize("name", FILES)
def test_damage_of_a_file_is_named(model_dir, name, harm):
    path = model_dir / "checkpoint-7" / name
    for content in harm(path.read_bytes()):
        path.write_bytes(content)
        [problem] = Catalogue(model_dir).verify(7)
        assert isinstance(problem, CheckpointUnreadable)
        assert problem.path == str(path)


@pytest.mark.parametrize("harm", [flipped, cut, one_more])
def test_damage_of_the_manifest_is_named(model_dir, harm):
    path = model_dir / "checkpoint-7.json"
    for content in harm(path.read_bytes()):
        with pytest.raises(CheckpointUnreadable) as caught:
            Manifest.from_json(content, path)
        assert caught.value.path == str(path)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(model_dir, name):
    (model_dir / "checkpoint-7" / name).unlink()
    [problem] = Catalogue(model_dir).verify(7)
    assert isinstance(problem, CheckpointIncomplete)
    assert str(problem) == f"{model_dir}/checkpoint-7/{name}: the file is missing"


def test_all_damage_is_told_at_once(model_dir):
    for name in FILES:
        (model_dir / "checkpoint-7" / name).write_bytes(b"")
    assert len(Catalogue(model_dir).verify(7)) == len(FILES)


def test_a_sound_one_has_no_problems(model_dir):
    assert Catalogue(model_dir).verify(7) == []


def test_progress_counts_every_byte(model_dir):
    class Counted:
        begun = seen = ended = 0

        def begin(self, what, total, unit):
            self.begun = total

        def advance(self, count=1, **figures):
            self.seen += count

        def end(self):
            self.ended += 1

    catalogue, progress = Catalogue(model_dir), Counted()
    catalogue.verify(7, progress)
    assert progress.begun == progress.seen == catalogue.get(7).size
    assert progress.ended == 1


def test_reading_changes_nothing(model_dir):
    before = sorted(model_dir.rglob("*"))
    catalogue = Catalogue(model_dir)
    catalogue.latest(), catalogue.list(), catalogue.verify(7)
    assert sorted(model_dir.rglob("*")) == before


def test_what_is_not_there_cannot_be_verified(model_dir):
    with pytest.raises(CheckpointNotFound):
        Catalogue(model_dir).verify(8)
