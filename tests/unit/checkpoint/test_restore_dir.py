"""A model directory begins with another one's checkpoint: all of it, or it looks as if nothing had begun.

As in test_crashes.py, the calls of a copy are recorded, and each disk that a power failure may leave after
each of them is judged: by those who wait for the copy, and by the chief who starts again.
"""

import random
import shutil

import pytest

from monolith.checkpoint.monolith_state import get_monolith_checkpoint_state
from monolith.checkpoint.restore_dir import copy_checkpoint_from_restore_dir, restored
from monolith.checkpoint.state_file import CheckpointState, read_names
from monolith.checkpoint.store import CheckpointStore
from monolith.core.errors import (
    CheckpointError,
    CheckpointNotFound,
    CheckpointUnreadable,
    RestoreCkptNotFound,
    RestoreDirEmpty,
)
from monolith.testing.crashes import Crashes, plant
from monolith.testing.faulty_disk import FaultyDisk, RecordingDisk
from monolith.testing.small_job import resumed, save

NAMED = CheckpointState("/m/model.ckpt-61", ["/m/model.ckpt-61", "/m/model.ckpt-30", "model.ckpt-0"])


@pytest.fixture
def source(tmp_path):
    """A folder with checkpoints 1 and 2 of ours, full of 1.0 and 2.0."""
    store = CheckpointStore(tmp_path / "source", disk=RecordingDisk())
    for step in (1, 2):
        save(store, step, float(step))
    return tmp_path / "source"


@pytest.fixture
def named(tmp_path):
    """A folder that names checkpoints of another program."""
    return naming(tmp_path / "named", NAMED.to_text())


def naming(folder, content):
    folder.mkdir()
    (folder / "checkpoint").write_bytes(content)
    return folder


def tree(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("restore_ckpt", "chosen"),
    [
        (None, "/m/model.ckpt-61"),
        ("/m/model.ckpt-30", "/m/model.ckpt-30"),
        ("model.ckpt-30", "/m/model.ckpt-30"),
        ("model.ckpt-0", "model.ckpt-0"),
    ],
)
def test_a_name_is_taken_over(named, tmp_path, restore_ckpt, chosen):
    model = tmp_path / "new" / "model"
    one = CheckpointState(chosen, [chosen])
    assert copy_checkpoint_from_restore_dir(named, model, restore_ckpt) == restored(model) == one
    assert (model / "restore_ckpt").read_text() == chosen
    assert get_monolith_checkpoint_state(model).exempt_model_checkpoint_paths == [chosen]


def test_that_only_a_name_was_taken_is_told(named, tmp_path, caplog):
    copy_checkpoint_from_restore_dir(named, tmp_path / "model")
    assert caplog.messages == [
        "/m/model.ckpt-61 was not written by this program: only its name is taken over, not its values"
    ]


def test_a_file_that_names_nothing(tmp_path, caplog):
    nothing = naming(tmp_path / "nothing", b"nonsense")
    assert (
        copy_checkpoint_from_restore_dir(nothing, tmp_path / "model").model_checkpoint_path == "model.ckpt-0"
    )
    assert caplog.messages[0] == f"{nothing}/checkpoint names no checkpoint: taken to mean model.ckpt-0"


@pytest.mark.parametrize("name", ["model.ckpt-7", "elsewhere/model.ckpt-30", ""])
def test_a_name_must_be_known(named, tmp_path, name):
    with pytest.raises(RestoreCkptNotFound) as caught:
        copy_checkpoint_from_restore_dir(named, tmp_path / "model", name)
    assert str(caught.value) == f"restore_ckpt {name} is not in checkpoint.all_model_checkpoint_paths"
    known = ", ".join(NAMED.all_model_checkpoint_paths)
    assert caught.value.__notes__ == [f"{named}/checkpoint names: {known}"]
    assert not (tmp_path / "model").exists()


def test_there_must_be_a_file_of_names(tmp_path):
    with pytest.raises(RestoreDirEmpty) as caught:
        copy_checkpoint_from_restore_dir(tmp_path, tmp_path / "model")
    assert str(caught.value) == f"restore_dir does not contain checkpoint file: {tmp_path}/checkpoint"


@pytest.mark.parametrize(("restore_ckpt", "values"), [(None, {2.0}), ("checkpoint-1", {1.0})])
def test_a_checkpoint_of_ours_is_copied(source, tmp_path, restore_ckpt, values):
    copy_checkpoint_from_restore_dir(source, model := tmp_path / "model", restore_ckpt)
    shutil.rmtree(source)
    assert resumed(model) == values


@pytest.mark.parametrize("gone", ["", "checkpoint", "checkpoint-7.json"])
def test_what_is_there_stays(source, tmp_path, gone):
    """Whether names or values are there."""
    save(CheckpointStore(model := tmp_path / "model"), 7, 7.0)
    if gone:
        (model / gone).unlink()
    before = tree(model)
    copy_checkpoint_from_restore_dir(source, model)
    new = tree(model).keys() - before.keys()
    assert {path.name for path in new} <= {"checkpoint", "restore_ckpt", "monolith_checkpoint"}
    assert before.items() <= tree(model).items()


def test_who_waits_is_told_last(named, tmp_path):
    copy_checkpoint_from_restore_dir(named, tmp_path / "model", disk=(disk := RecordingDisk()))
    written = [call.target.name for call in disk.calls if call.name == "rename"]
    assert written == ["checkpoint", "restore_ckpt", "monolith_checkpoint"]


def test_a_second_time_changes_nothing(source, tmp_path):
    copy_checkpoint_from_restore_dir(source, model := tmp_path / "model")
    before = tree(model)
    copy_checkpoint_from_restore_dir(source, model)
    assert tree(model) == before


def test_a_damaged_checkpoint_is_not_copied(source, tmp_path):
    for path in (source / "checkpoint-2").iterdir():
        path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(CheckpointUnreadable, match="it was altered"):
        copy_checkpoint_from_restore_dir(source, model := tmp_path / "model")
    assert resumed(model) is restored(model) is None


def test_a_checkpoint_that_is_gone(source, tmp_path):
    (source / "checkpoint-2.json").unlink()
    with pytest.raises(CheckpointNotFound, match=r"no checkpoint of step 2 \(steps: 1\)$"):
        copy_checkpoint_from_restore_dir(source, tmp_path / "model")


def is_complete(model):
    state = get_monolith_checkpoint_state(model)
    return (
        values_in(model) == {2.0}
        and read_names(model / "checkpoint") == CheckpointState.of_one("checkpoint-2").to_text()
        and read_names(model / "restore_ckpt") == b"checkpoint-2"
        and state is not None
        and state.exempt_model_checkpoint_paths == ["checkpoint-2"]
    )


def values_in(model):
    try:
        return resumed(model)
    except CheckpointUnreadable:
        return None


def test_a_failing_disk_is_told_and_tried_again(source, tmp_path):
    copy_checkpoint_from_restore_dir(source, tmp_path / "model", disk=(disk := RecordingDisk()))
    for fail_at in range(len(disk.calls)):
        model = tmp_path / f"model-{fail_at}"
        with pytest.raises(CheckpointError):
            copy_checkpoint_from_restore_dir(source, model, disk=FaultyDisk(fail_at))
        assert restored(model) is None or is_complete(model)
        copy_checkpoint_from_restore_dir(source, model, disk=RecordingDisk())
        assert is_complete(model)


def copying(source, tmp_path):
    """The calls of a copy, and the disk they begin with."""
    (jobs := tmp_path / "jobs").mkdir()
    crashes, disk = Crashes(jobs), RecordingDisk()
    copy_checkpoint_from_restore_dir(source, jobs / "model", disk=disk)
    return disk.calls, crashes


def left(tmp_path, calls, crashes):
    """(calls done, whether a new disk that a crash may leave is called ready, the model directory on it)."""
    known = set()
    for done, files in crashes.after_each(calls, 5, random.Random(0)):
        if (key := (done == len(calls), frozenset(files.items()))) not in known:
            known.add(key)
            plant(files, folder := tmp_path / f"crash-{len(known)}")
            yield done, restored(folder / "model") is not None, folder / "model"


def is_lawful(tmp_path, calls, crashes):
    """What is called ready is complete; what the copy has returned from is ready."""
    return all(
        is_complete(model) if ready else done < len(calls)
        for done, ready, model in left(tmp_path, calls, crashes)
    )


def test_a_crash_never_leaves_half_that_looks_whole(source, tmp_path):
    assert is_lawful(tmp_path, *copying(source, tmp_path))


def test_after_a_crash_the_chief_completes_it(source, tmp_path):
    for _, _, model in left(tmp_path, *copying(source, tmp_path)):
        copy_checkpoint_from_restore_dir(source, model, disk=RecordingDisk())
        assert is_complete(model)


def without(name, path):
    """The mutant that forgets to sync what ends so."""
    return lambda calls: [c for c in calls if not (c.name == name and str(c.path).endswith(path))]


def last_first(calls):
    """The mutant that writes `monolith_checkpoint` before all but the folder of the model."""
    parts = [c for c in calls if c.path.name == ".monolith_checkpoint.part"]
    rest = [c for c in calls if c not in parts]
    return [*rest[:2], *parts, *rest[2:]]


MUTANTS = {
    "rows not synced": without("sync", "item.safetensors"),
    "manifest not synced": without("sync", ".json.part"),
    "names not synced": without("sync", "/.checkpoint.part"),
    "marker not synced": without("sync", ".restore_ckpt.part"),
    "model folder not synced": without("sync_folder", "model"),
    "its parent not synced": without("sync_folder", "jobs"),
    "ready too early": last_first,
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_noticed(source, tmp_path, mutant):
    calls, crashes = copying(source, tmp_path)
    mutated = MUTANTS[mutant](calls)
    assert mutated != calls
    assert not is_lawful(tmp_path, mutated, crashes)
