"""What is damaged is passed over and set aside; what cannot be read just now, or has gone, is not damaged."""

import errno
import os
from pathlib import Path

import pytest

from monolith.checkpoint import catalogue
from monolith.checkpoint.catalogue import Catalogue
from monolith.checkpoint.manifest import FORMAT
from monolith.checkpoint.sealed import sealed
from monolith.checkpoint.store import CheckpointStore
from monolith.checkpoint.tensorfile import check_size, verify_file
from monolith.core.errors import CheckpointInaccessible, CheckpointIncomplete, CheckpointUnreadable
from monolith.testing.faulty_disk import RecordingDisk
from monolith.testing.small_job import load, resumed, save
from monolith.testing.unreadable import unreadable

MANIFEST, DENSE, ROWS = (
    "checkpoint-2.json",
    "checkpoint-2/dense.safetensors",
    "checkpoint-2/ps-1-of-2-item.safetensors",
)


@pytest.fixture
def store(tmp_path):
    """Checkpoints 1 and 2, which hold nothing but their number."""
    store = quick(tmp_path)
    for step in (1, 2):
        save(store, step, float(step))
    return store


def quick(model_dir, **how):
    return CheckpointStore(model_dir, disk=RecordingDisk(), **how)


def newest(store):
    return store.newest(lambda manifest: load(store, manifest))


def resume(store):
    return store.resume(lambda manifest: load(store, manifest))


def names(store):
    return {str(path.relative_to(store.model_dir)) for path in store.model_dir.rglob("*")}


def alter(path):
    path.write_bytes(path.read_bytes()[:-1] + b"!")


@pytest.mark.parametrize(
    "error", [errno.EIO, errno.EMFILE, errno.EACCES, errno.ESTALE], ids=errno.errorcode.get
)
@pytest.mark.parametrize("name", [MANIFEST, DENSE, ROWS])
@pytest.mark.parametrize("read", [newest, resume])
def test_what_cannot_be_read_just_now_is_not_damaged(store, read, name, error):
    before, path = names(store), store.model_dir / name
    with unreadable(path, error), pytest.raises(CheckpointInaccessible) as caught:
        read(store)
    assert str(caught.value) == f"{path}: cannot be read: {os.strerror(error)}"
    assert [note.partition(":")[0] for note in caught.value.__notes__] == ["Nothing was changed"]
    assert names(store) == before
    assert read(store) == {2.0}


def test_looking_at_it_tells_and_goes_on(store):
    with unreadable(store.model_dir / MANIFEST, errno.EIO):
        assert [each.complete for each in store.list()] == [True, False]
        assert [type(problem) for problem in store.verify(2)] == [CheckpointInaccessible]
    with unreadable(store.model_dir / DENSE, errno.EIO):
        assert [problem.path for problem in store.verify(2)] == [str(store.model_dir / DENSE)]


@pytest.mark.parametrize("step", [1, 3])
def test_retention_spares_what_cannot_be_read_just_now(store, step):
    """Of the one that is being saved just the second look fails: it is there all the same."""
    keeps_one = quick(store.model_dir, max_to_keep=1)
    with unreadable(store.model_dir / f"checkpoint-{step}.json", errno.EMFILE):
        save(keeps_one, 3, 3.0)
    assert [each.step for each in store.list()] == sorted({step, 3})
    assert resumed(store.model_dir) == {3.0}
    keeps_one.prune()
    assert [each.step for each in store.list()] == [3]


@pytest.mark.parametrize("name", [MANIFEST, DENSE])
def test_a_reader_sets_nothing_aside(store, name):
    alter(store.model_dir / name)
    before = names(store)
    assert newest(store) == {1.0}
    assert ["checkpoint-2 is damaged and was passed over" in said for said in store.warnings] == [True]
    assert names(store) == before


def test_what_is_set_aside_goes_when_its_time_has_come(tmp_path):
    """So whoever finds out why it is damaged can have it back."""
    store = quick(tmp_path, max_to_keep=2)
    for step in (1, 2):
        save(store, step, float(step))
    alter(tmp_path / DENSE)
    assert resume(store) == {1.0}
    assert [each.step for each in store.list()] == [1]
    aside = {"checkpoint-2.json.damaged", DENSE, ROWS}
    for step, there in ((2, True), (3, False)):
        save(store, step + 1, float(step))
        assert (aside <= names(store)) is there


def test_a_step_that_is_saved_again_spares_what_is_set_aside_of_it(store):
    alter(store.model_dir / DENSE)
    resume(store)
    damaged = (store.model_dir / DENSE).read_bytes()
    save(store, 2, 3.0)
    assert resumed(store.model_dir) == {3.0}
    assert (store.model_dir / DENSE).read_bytes() == damaged


@pytest.mark.parametrize(
    "content", [b"torn", sealed({"format": FORMAT + 1})], ids=["torn", "of another release"]
)
def test_what_was_set_aside_keeps_nobody_from_saving(store, content):
    (store.model_dir / MANIFEST).rename(store.model_dir / f"{MANIFEST}.damaged").write_bytes(content)
    save(store, 2, 3.0)
    assert resumed(store.model_dir) == {3.0}
    assert {f"{MANIFEST}.damaged", DENSE} <= names(store)


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: (path.unlink(), path.mkdir())])
def test_what_is_not_there_is_damage(store, harm):
    harm(store.model_dir / DENSE)
    assert newest(store) == {1.0}


@pytest.mark.parametrize("read", [CheckpointStore.newest, CheckpointStore.resume])
def test_what_only_a_server_does_not_see_is_not_damaged(store, read):
    """Its machine lacks the file system, say, or has an old copy of it."""

    def elsewhere(manifest):
        if manifest.step == 2:
            raise CheckpointIncomplete("the file is missing", path=store.model_dir / ROWS)
        return load(store, manifest)

    before = names(store)
    with pytest.raises(CheckpointIncomplete) as caught:
        read(store, elsewhere)
    assert caught.value.__notes__ == [
        "Every parameter server must see the model directory under the same path."
    ]
    assert names(store) == before


def test_a_training_that_prunes_leaves_its_readers_something(tmp_path):
    """Each save takes away what a reader has just begun to read."""
    store, keeps_one = Catalogue(tmp_path), quick(tmp_path, max_to_keep=1)
    save(keeps_one, 1, 1.0)
    coming = iter((2, 3))

    def overtaken(manifest):
        if step := next(coming, None):
            save(keeps_one, step, float(step))
        return load(store, manifest)

    assert store.newest(overtaken) == {3.0}
    assert store.warnings == []


def test_what_is_pruned_while_it_is_read_is_no_failure(tmp_path):
    """NFS calls stale what another machine has deleted."""
    keeps_one = quick(tmp_path, max_to_keep=1)
    save(keeps_one, 1, 1.0)

    def overtaken(manifest):
        if manifest.step == 1:
            save(keeps_one, 2, 2.0)
            raise CheckpointInaccessible(os.strerror(errno.ESTALE), path=tmp_path / DENSE)
        return load(keeps_one, manifest)

    reader = Catalogue(tmp_path)
    assert reader.newest(overtaken) == {2.0}
    assert reader.warnings == []


def test_what_is_saved_again_while_it_is_read_is_no_damage(store):
    """As `monolith checkpoint import` does."""
    coming = iter([3.0])

    def overtaken(manifest):
        for value in coming:
            save(store, 2, value)
        return load(store, manifest)

    reader = Catalogue(store.model_dir)
    assert reader.newest(overtaken) == {3.0}
    assert reader.warnings == []


def test_a_manifest_that_is_exchanged_while_it_is_read_is_read_again(store, monkeypatch):
    """NFS: the one that was opened is stale."""
    look, coming = Path.read_bytes, iter([3.0])

    def overtaken(path):
        for value in coming:
            save(store, 2, value)
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return look(path)

    monkeypatch.setattr(Path, "read_bytes", overtaken)
    assert newest(store) == {3.0}


def test_what_is_saved_again_while_it_is_verified_is_verified_again(store, monkeypatch):
    coming = iter([3.0])

    def overtaken(*args):
        for value in coming:
            save(store, 2, value)
        return verify_file(*args)

    monkeypatch.setattr(catalogue, "verify_file", overtaken)
    assert store.verify(2) == []


def test_what_is_pruned_while_it_is_looked_at_is_not_listed(store, monkeypatch):
    coming = iter([3])

    def overtaken(*args):
        for step in coming:
            save(quick(store.model_dir, max_to_keep=2), step, float(step))
        return check_size(*args)

    monkeypatch.setattr(catalogue, "check_size", overtaken)
    assert [(each.step, each.complete) for each in store.list()] == [(2, True)]


def test_what_was_told_first_is_told(store, monkeypatch):
    """With too many files open, the folder cannot be looked into either."""

    def fails(_):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def loads(_):
        monkeypatch.setattr(os, "listdir", fails)
        raise CheckpointInaccessible("cannot be read", path=store.model_dir / DENSE)

    with pytest.raises(CheckpointInaccessible, match=f"{DENSE}: cannot be read") as caught:
        store.newest(loads)
    assert len(caught.value.__notes__) == 1


class NfsDisk(RecordingDisk):
    """What a process of the same machine has open only gets another name, until that process lets go."""

    def __init__(self, opened):
        super().__init__()
        self.opened = opened

    def remove(self, path):
        if not self.opened or path.name not in (self.opened, ".nfs01"):
            return super().remove(path)
        if path.name == ".nfs01":
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(path))
        return path.rename(path.with_name(".nfs01"))


def test_what_somebody_reads_on_nfs_keeps_nobody_from_saving(tmp_path):
    disk = NfsDisk(opened="dense.safetensors")
    store = CheckpointStore(tmp_path, max_to_keep=1, disk=disk)
    for step in (1, 2, 3):
        save(store, step, float(step))
        assert [each.step for each in store.list()] == [step]
    assert (tmp_path / "checkpoint-1" / ".nfs01").exists()
    disk.opened = None
    save(store, 4, 4.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint",
        "checkpoint-4",
        "checkpoint-4.json",
    ]


def test_a_model_directory_that_cannot_be_read_is_not_empty(store, monkeypatch):
    def fails(_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", fails)
        patch.setattr(Path, "is_dir", lambda _: False)  # as Python 3.14 says then
        with pytest.raises(CheckpointInaccessible):
            resume(store)
    assert resume(store) == {2.0}


def test_a_model_directory_that_goes_away_is_empty(store):
    def overtaken(manifest):
        for path in store.model_dir.glob("*.json"):
            path.unlink()
        raise CheckpointIncomplete("the file is missing", path=store.model_dir / DENSE)

    assert store.newest(overtaken) is None


def test_who_wants_to_train_is_told_how_to_start_afresh(store):
    for path in store.model_dir.glob("*.json"):
        alter(path)
    advice = "To start afresh, choose another model directory."
    for read, notes in ((newest, []), (resume, [advice])):
        with pytest.raises(CheckpointUnreadable, match="none of its checkpoints can be used") as caught:
            read(store)
        assert getattr(caught.value, "__notes__", []) == notes
