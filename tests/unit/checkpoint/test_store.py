"""There is always one to go back to: what is kept, what is passed over, what is refused."""

import errno
from contextlib import suppress

import numpy as np
import pytest

from monolith.checkpoint.manifest import FORMAT, Manifest
from monolith.checkpoint.sealed import sealed, unsealed
from monolith.checkpoint.store import CheckpointStore
from monolith.checkpoint.tensorfile import write_tensors
from monolith.core.errors import (
    CheckpointError,
    CheckpointFormat,
    CheckpointIncomplete,
    CheckpointMismatch,
    CheckpointNotFound,
    CheckpointUnreadable,
)
from monolith.testing.faulty_disk import FaultyDisk, RecordingDisk
from monolith.testing.small_job import TABLES, load, resumed, save


def quick(model_dir, **how):
    """A store that does not wait for fsync."""
    return CheckpointStore(model_dir, disk=RecordingDisk(), **how)


@pytest.fixture
def store(tmp_path):
    return quick(tmp_path / "model")


def steps(store):
    return [stored.step for stored in store.list()]


def names(store):
    return {path.name for path in store.model_dir.iterdir()}


def damage(store, step):
    (store.model_dir / f"checkpoint-{step}" / "dense.safetensors").write_bytes(b"cut")


def alter(store, step):
    path = store.model_dir / f"checkpoint-{step}" / "dense.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def test_nothing_is_none(store):
    assert store.latest() is None
    assert store.resume(lambda manifest: manifest) is None
    assert store.list() == []


@pytest.mark.parametrize("step", [0, 1, 10**12])
def test_what_was_saved_is_the_latest(store, step):
    saved = save(store, step, mark=7.0)
    assert saved.folder == f"checkpoint-{step}"
    assert load(store, store.latest()) == {7.0}
    assert store.latest().files == saved.files


def test_the_largest_step_is_the_latest(store):
    for step in (9, 10, 2):
        save(store, step, mark=step)
    assert store.latest().step == 10


def test_the_same_content_gives_the_same_bytes(tmp_path):
    def saved(name):
        store = quick(tmp_path / name)
        save(store, 3, mark=1.0)
        return {p.relative_to(store.model_dir): p.read_bytes() for p in store.model_dir.rglob("*.*")}

    assert saved("a") == saved("b")


def test_a_step_can_be_saved_again(store):
    for mark in (1.0, 2.0, 3.0):
        save(store, 5, mark)
        assert load(store, store.latest()) == {mark}
    assert names(store) == {"checkpoint", "checkpoint-5.json", store.latest().folder}


def test_a_second_save_spares_the_first(store):
    save(store, 5, 1.0)
    folder = store.begin(5)
    assert resumed(store.model_dir) == {1.0}
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("keep", "left"), [(0, [1, 2, 3, 4]), (1, [4]), (3, [2, 3, 4]), (9, [1, 2, 3, 4])])
def test_retention_keeps_the_newest(tmp_path, keep, left):
    store = quick(tmp_path, max_to_keep=keep)
    for step in range(1, 5):
        save(store, step, mark=step)
    expected = {"checkpoint", *(f"checkpoint-{step}{end}" for step in left for end in ("", ".json"))}
    assert (steps(store), names(store)) == (left, expected)


def test_retention_does_not_count_the_damaged(tmp_path):
    store = quick(tmp_path, max_to_keep=2)
    for step in (1, 2, 3):
        save(store, step, mark=step)
        if step == 2:
            damage(store, 2)
    assert steps(store) == [1, 2, 3]


def test_the_state_file_lists_what_is_kept(tmp_path):
    store = quick(tmp_path, max_to_keep=2)
    for step in (8, 9, 10):
        save(store, step, mark=step)
    assert (tmp_path / "checkpoint").read_text() == (
        'model_checkpoint_path: "checkpoint-10"\n'
        'all_model_checkpoint_paths: "checkpoint-9"\n'
        'all_model_checkpoint_paths: "checkpoint-10"\n'
    )


def test_the_state_file_names_the_newest_whichever_was_saved_last(store):
    for step in (8, 9, 8):
        save(store, step, mark=step)
    assert (store.model_dir / "checkpoint").read_text().startswith('model_checkpoint_path: "checkpoint-9"')


def test_the_state_file_decides_nothing(store):
    save(store, 1, 1.0)
    (store.model_dir / "checkpoint").write_text('model_checkpoint_path: "checkpoint-77"\n')
    assert store.latest().step == 1


def test_damage_is_passed_over_and_told(store):
    save(store, 1, 1.0)
    save(store, 2, 2.0)
    damage(store, 2)
    assert store.latest().step == 1
    assert store.warnings == [
        f"checkpoint-2 is damaged and was passed over: {store.model_dir}/checkpoint-2/dense.safetensors: "
        "has 3 bytes where the manifest says 184"
    ]


def test_an_altered_file_is_passed_over_when_read(store):
    save(store, 1, 1.0)
    save(store, 2, 2.0)
    alter(store, 2)
    assert store.latest().step == 2
    assert store.resume(lambda manifest: load(store, manifest)) == {1.0}
    assert "has CRC32C" in store.warnings[0]


def test_a_checkpoint_of_a_later_release_is_not_passed_over(store):
    """Else training would go on from the one before, and write over those that came after it."""
    save(store, 1, 1.0)
    save(store, 2, 2.0)
    _of_a_later_release(store, 2)
    before = names(store)
    for ask in (store.latest, lambda: store.resume(lambda manifest: manifest), lambda: store.begin(2)):
        with pytest.raises(CheckpointMismatch, match="use the monolith that wrote it"):
            ask()
    assert names(store) == before


def test_an_older_one_of_a_later_release_is_in_nobodys_way(tmp_path):
    store = quick(tmp_path, max_to_keep=2)
    for step in range(1, 6):
        save(store, step, float(step))
        if step == 1:
            _of_a_later_release(store, 1)
    assert {"checkpoint-1", "checkpoint-1.json"} < names(store)
    assert store.latest().step == 5
    assert [(each.step, each.complete) for each in store.list()] == [(1, False), (4, True), (5, True)]
    assert [type(problem) for problem in store.verify(1)] == [CheckpointFormat]


def _of_a_later_release(store, step):
    path = store.model_dir / f"checkpoint-{step}.json"
    path.write_bytes(sealed({**unsealed(path.read_bytes(), path), "format": FORMAT + 1}))


@pytest.mark.parametrize("harm", [damage, alter])
def test_starting_over_unawares_is_refused(store, harm):
    save(store, 1, 1.0)
    harm(store, 1)
    for _ in range(2):  # a supervisor may start us again
        with pytest.raises(CheckpointUnreadable, match=r"none of its checkpoints can be used"):
            store.resume(lambda manifest: load(store, manifest))


@pytest.mark.parametrize(
    "leftover",
    ["checkpoint-5/ps-0", ".checkpoint-5.json.part", "checkpoint-5.again/x"],
)
def test_leftovers_go_once_a_newer_one_stands(store, leftover):
    path = store.model_dir / leftover
    path.parent.mkdir(parents=True)
    path.touch()
    save(store, 4, 4.0)
    assert path.exists()  # step 5 may be a save that is going on
    save(store, 6, 6.0)
    assert not path.exists()


def test_leftovers_go_when_their_step_begins(store):
    (store.model_dir / "checkpoint-5" / "deep").mkdir(parents=True)
    (store.model_dir / "checkpoint-5" / "deep" / "old").touch()
    assert list(store.begin(5).iterdir()) == []


def test_attempts_that_were_cut_off_make_room_for_the_next(store):
    """Whatever their step: on a disk that they have filled, none beyond theirs might ever be saved."""
    (store.model_dir / "checkpoint-5.part-0f").mkdir(parents=True)
    store.begin(4)
    assert not (store.model_dir / "checkpoint-5.part-0f").exists()


def test_our_own_save_is_not_a_leftover(store):
    folder = store.begin(3)
    save(store, 4, 4.0)
    assert folder.is_dir()


@pytest.mark.parametrize("again", [False, True], ids=["a step", "a step that is saved again"])
@pytest.mark.parametrize("wakes", ["before", "between", "after"])
def test_a_server_that_wakes_too_late_harms_nothing(tmp_path, wakes, again):
    """It was frozen in a save; then another took its place, and the same step was saved again."""
    save(quick(tmp_path), 2 if again else 1, 1.0)
    frozen_in = quick(tmp_path).begin(2)
    files = ("dense.safetensors", "ps-0-of-2-item.safetensors", "ps-1-of-2-item.safetensors")

    def wake_up(now):
        if now == wakes:
            for name in files:
                with suppress(CheckpointError):
                    write_tensors(frozen_in / name, {"bias": np.zeros(3)})

    class Overtaking(CheckpointStore):
        def begin(self, step):
            folder = super().begin(step)
            wake_up("before")
            return folder

        def commit(self, manifest):
            wake_up("between")
            return super().commit(manifest)

    store = Overtaking(tmp_path, disk=RecordingDisk())
    save(store, 2, 2.0)
    wake_up("after")
    assert resumed(tmp_path) == {2.0}
    assert store.verify(2) == []


def test_what_is_saved_says_nothing_of_the_attempt(tmp_path):
    for attempt in ("a1", "b2"):
        store = quick(tmp_path / attempt, attempt=lambda attempt=attempt: attempt)
        assert store.begin(1).name == f"checkpoint-1.part-{attempt}"
        save(store, 1, 1.0)
    trees = [
        {path.relative_to(top): path.is_file() and path.read_bytes() for path in top.rglob("*")}
        for top in tmp_path.iterdir()
    ]
    assert trees[0] == trees[1]


def test_strangers_are_left_alone(tmp_path):
    others = {"checkpoint-x", "events.out", "my-checkpoint-1.json", "checkpoint-1.bak", "checkpoint-01"}
    for name in others:
        (tmp_path / name).touch()
    store = quick(tmp_path, max_to_keep=1)
    for step in (1, 2):
        save(store, step, mark=step)
    assert others < names(store)


@pytest.mark.parametrize("left", ["a folder", "nothing"])
def test_what_a_link_leads_to_is_left_alone(store, tmp_path, left):
    """Somebody began from a checkpoint of another directory without a copy of its files."""
    origin = quick(tmp_path / "origin")
    save(origin, 1, 1.0)
    store.model_dir.mkdir()
    (store.model_dir / "checkpoint-1.json").hardlink_to(origin.model_dir / "checkpoint-1.json")
    (store.model_dir / "checkpoint-1").symlink_to(origin.model_dir / "checkpoint-1")
    if left == "nothing":
        (origin.model_dir / "checkpoint-1").rename(tmp_path / "elsewhere")
    for step in (2, 3):
        save(quick(store.model_dir, max_to_keep=1), step, float(step))
    assert names(store) == {"checkpoint", "checkpoint-3", "checkpoint-3.json"}
    if left == "a folder":
        assert resumed(origin.model_dir) == {1.0}


def test_a_commit_needs_its_files(store):
    manifest = save(store, 1, 1.0)
    store.begin(2)
    with pytest.raises(CheckpointIncomplete, match="the file is missing") as caught:
        store.commit(Manifest(step=2, model="small", tables=TABLES, shards=2, files=manifest.files))
    assert "must see the model directory" in caught.value.__notes__[0]
    assert store.latest().step == 1


def test_a_commit_needs_a_begin(store):
    with pytest.raises(CheckpointError, match="checkpoint-1 was not begun"):
        store.commit(Manifest(step=1, model="small", tables={}, shards=1, files=()))


def test_another_model_is_refused(store):
    save(store, 1, 1.0, model="wide")
    other = CheckpointStore(store.model_dir, model="deep")
    for use in (other.latest, other.list, lambda: other.begin(1)):
        with pytest.raises(CheckpointMismatch, match="checkpoint-1 belongs to model 'wide', not 'deep'"):
            use()


def test_a_step_that_is_not_there_is_told(store):
    save(store, 3, 3.0)
    with pytest.raises(CheckpointNotFound, match=r"no checkpoint of step 4 \(steps: 3\)"):
        store.get(4)


def test_parts_of_the_dense_model(store):
    folder = store.begin(1)
    moments = {"exp_avg": np.arange(4, dtype=np.float32).reshape(2, 2), "step": np.array(3)}
    files = [store.write_dense(folder, moments, part="optimizer")]
    manifest = store.commit(Manifest(step=1, model="m", tables={}, shards=1, files=files))
    loaded = store.load_dense(manifest, "optimizer")
    assert {name: value.tolist() for name, value in loaded.items()} == {
        "exp_avg": [[0, 1], [2, 3]],
        "step": 3,
    }
    with pytest.raises(CheckpointNotFound, match="checkpoint-1 has no part 'dense'"):
        store.load_dense(manifest)


@pytest.mark.parametrize("below", ["", "runs/one"], ids=["itself", "above it"])
def test_a_file_where_the_folder_belongs_is_named(tmp_path, below):
    (tmp_path / "model").write_text("no folder")
    said = f"^{tmp_path / 'model'}: is a file, not a folder; choose another folder$"
    with pytest.raises(CheckpointError, match=said):
        save(quick(tmp_path / "model" / below), 1, 1.0)


def calls_of_a_save(model_dir):
    store = quick(model_dir, max_to_keep=1)
    save(store, 1, 1.0)
    before = len(store.disk.calls)
    save(store, 2, 2.0)
    return len(store.disk.calls) - before


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_a_failing_disk_never_harms(tmp_path, error, for_good):
    for at in range(calls_of_a_save(tmp_path / "probe")):
        model_dir = tmp_path / str(at)
        save(quick(model_dir), 1, 1.0)
        failing = CheckpointStore(model_dir, max_to_keep=1, disk=FaultyDisk(at, error, for_good=for_good))
        with pytest.raises(CheckpointError, match=r"no space left|cannot save") as caught:
            save(failing, 2, 2.0)
        assert str(caught.value).endswith("what was stored before is unharmed")
        assert resumed(model_dir) in ({1.0}, {2.0})
        save(quick(model_dir), 2, 3.0)
        assert resumed(model_dir) == {3.0}
