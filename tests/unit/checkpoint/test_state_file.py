"""The `checkpoint` file: what is written is read back, and a restore override rewrites it once."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monolith.checkpoint.state_file import (
    CheckpointState,
    Retries,
    RunnerMode,
    get_checkpoint_state_with_restore_override,
)
from monolith.core.errors import CheckpointError, CheckpointUnreadable
from monolith.testing.faulty_disk import FaultyDisk, RecordingDisk

PATHS = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))
TRAIN, EVAL, PREDICT = RunnerMode
STATE = CheckpointState("/m/ckpt-61", ["/m/ckpt-61", "/m/ckpt-30", "/old/ckpt-30"])


@given(PATHS, st.lists(PATHS))
@example('"', ['a"b"', "'", " a ", "a: b", "# a", "back\\slash", "\r", "\x85", "\u2028"])
def test_what_is_written_is_read_back(newest, paths):
    state = CheckpointState(newest, paths)
    assert CheckpointState.from_text(state.to_text()) == state


@pytest.mark.parametrize("path", ["two\nlines", "not UTF-8: \udcff"])
@pytest.mark.parametrize("place", ["newest", "any"])
def test_a_path_no_line_can_hold_is_refused(path, place):
    with pytest.raises(CheckpointError, match=r"^checkpoint path '.*' has a line break or is not UTF-8, .*"):
        CheckpointState(path) if place == "newest" else CheckpointState("a", [path])


def test_the_form_is_tensorflows():
    assert CheckpointState("b", ["a", "b"]).to_text() == (
        b'model_checkpoint_path: "b"\nall_model_checkpoint_paths: "a"\nall_model_checkpoint_paths: "b"\n'
    )


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (b"", None),
        (b'all_model_checkpoint_paths: "a"', None),
        (b"model_checkpoint_path", None),
        (b'#model_checkpoint_path: "a"', None),
        (b'model_checkpoint_path: "\xff"', None),
        (b'model_checkpoint_path: "a"', CheckpointState("a")),
        (b"model_checkpoint_path: 'a'", CheckpointState("a")),
        (b"model_checkpoint_path:a", CheckpointState("a")),
        (b"model_checkpoint_path: \"a'", CheckpointState("\"a'")),
        (b'model_checkpoint_path: "', CheckpointState('"')),
        (b'\r\n  model_checkpoint_path  :  "hdfs://a/b"  \r\n\r\n', CheckpointState("hdfs://a/b")),
        (b'model_checkpoint_path: "a"\nmodel_checkpoint_path: "b"', CheckpointState("b")),
        (b'last_preserved_timestamp: 1.5\nmodel_checkpoint_path: "a"', CheckpointState("a")),
        (b"all_model_checkpoint_paths: x\nmodel_checkpoint_path: a", CheckpointState("a", ["x"])),
    ],
)
def test_reading_is_lenient(text, state):
    assert CheckpointState.from_text(text) == state


def written(folder, state=STATE):
    (folder / "checkpoint").write_bytes(state.to_text())
    return folder


def look(folder, restore_ckpt=None, mode=TRAIN, *, filename="checkpoint", retries=0, sleep=None, **how):
    patience = Retries(max_retries=retries, retry_interval=2.0, sleep=sleep)
    return get_checkpoint_state_with_restore_override(folder, filename, restore_ckpt, mode, patience, **how)


@pytest.mark.parametrize("mode", RunnerMode)
@pytest.mark.parametrize(
    ("restore_ckpt", "chosen"),
    [
        ("/old/ckpt-30", "/old/ckpt-30"),
        ("ckpt-30", "/m/ckpt-30"),
        ("/elsewhere/ckpt-30", "/m/ckpt-30"),
    ],
    ids=["the very same", "its name", "its name elsewhere"],
)
def test_an_override_is_written(tmp_path, mode, restore_ckpt, chosen):
    assert look(written(tmp_path), restore_ckpt, mode) == CheckpointState(chosen, [chosen])
    assert (tmp_path / "checkpoint").read_bytes() == CheckpointState(chosen, [chosen]).to_text()
    assert (tmp_path / "restore_ckpt").read_text() == chosen


@pytest.mark.parametrize("restore_ckpt", [None, "ckpt-7", "ckpt-61", ""])
def test_nothing_to_override_writes_nothing(tmp_path, restore_ckpt):
    assert look(written(tmp_path), restore_ckpt) == STATE
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
    assert (tmp_path / "checkpoint").read_bytes() == STATE.to_text()


@pytest.mark.parametrize(("mode", "again"), [(TRAIN, False), (EVAL, True), (PREDICT, True)])
def test_a_training_overrides_once(tmp_path, mode, again):
    (written(tmp_path) / "restore_ckpt").write_text("/m/ckpt-30")
    assert (look(tmp_path, "ckpt-30", mode) != STATE) == again


def test_another_file_is_never_overridden(tmp_path):
    (tmp_path / "latest").write_bytes(STATE.to_text())
    assert look(tmp_path, "ckpt-30", filename="latest") == STATE


def test_no_file_is_no_checkpoint(tmp_path):
    assert look(tmp_path, "ckpt-30", retries=3) is None


def test_a_file_half_shown_is_read_again(tmp_path):
    (tmp_path / "checkpoint").write_bytes(STATE.to_text()[:10])
    assert look(tmp_path, retries=1, sleep=lambda _: written(tmp_path)) == STATE


def test_patience_with_a_bad_file_ends(tmp_path):
    slept = []
    (tmp_path / "checkpoint").write_text("nonsense")
    with pytest.raises(CheckpointUnreadable) as caught:
        look(tmp_path, retries=2, sleep=slept.append)
    assert str(caught.value) == "read ckpt error!"
    assert caught.value.__notes__ == [f"{tmp_path}/checkpoint names no model_checkpoint_path, read 3 times."]
    assert slept == [2.0, 2.0]


def test_a_file_that_cannot_be_read(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    with pytest.raises(CheckpointError) as caught:
        look(tmp_path)
    assert str(caught.value) == f"I/O error: Is a directory ({tmp_path}/checkpoint)"


def test_a_failing_disk_leaves_old_or_new(tmp_path):
    new, seen = look(written(tmp_path), "ckpt-30", disk=(disk := RecordingDisk())), []
    for fail_at in range(len(disk.calls)):
        (tmp_path / "restore_ckpt").unlink(missing_ok=True)
        with pytest.raises(CheckpointError, match=r"^I/O error: Input/output error \("):
            look(written(tmp_path), "ckpt-30", disk=FaultyDisk(fail_at))
        seen.append(CheckpointState.from_text((tmp_path / "checkpoint").read_bytes()))
    assert (seen[0], seen[-1]) == (STATE, new)
    assert set(seen) == {STATE, new}
