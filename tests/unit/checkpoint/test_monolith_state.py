"""The `monolith_checkpoint` file: any state is written and read back; whatever cannot be read is no state."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.checkpoint.monolith_state import (
    exempt_checkpoint,
    get_monolith_checkpoint_state,
    write_monolith_checkpoint_state,
)
from monolith.core.errors import CheckpointError
from monolith.testing.faulty_disk import FaultyDisk, RecordingDisk
from monolith.wire.monolith_checkpoint_state_pb2 import MonolithCheckpointState

OLD = MonolithCheckpointState(exempt_model_checkpoint_paths=["a"], builtin_hash_table_type="UNKNOWN")
STATES = st.builds(
    MonolithCheckpointState,
    exempt_model_checkpoint_paths=st.lists(st.text()),
    last_checkpoint_save_timestamp=st.none() | st.integers(-(2**63), 2**63 - 1),
    builtin_hash_table_type=st.none() | st.sampled_from(MonolithCheckpointState.HashTableType.keys()),
)


def write(folder, state, *, overwrite=True, **how):
    return write_monolith_checkpoint_state(folder, state, overwrite=overwrite, **how)


@given(state=STATES)
def test_what_is_written_is_read_back(state, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "state"
    assert write(folder, state) == folder / "monolith_checkpoint"
    assert get_monolith_checkpoint_state(folder) == state


def test_the_form_is_the_ordinary_one(tmp_path):
    path = write(tmp_path, OLD)
    assert path.read_text() == 'exempt_model_checkpoint_paths: "a"\nbuiltin_hash_table_type: UNKNOWN\n'


def test_the_form_on_one_line_is_read(tmp_path):
    (tmp_path / "monolith_checkpoint").write_text(
        'exempt_model_checkpoint_paths:["a","b"],builtin_hash_table_type:CUCKOO_HASH_MAP'
    )
    assert get_monolith_checkpoint_state(tmp_path) == MonolithCheckpointState(
        exempt_model_checkpoint_paths=["a", "b"], builtin_hash_table_type="CUCKOO_HASH_MAP"
    )


@pytest.mark.parametrize("content", [b"nonsense", b"builtin_hash_table_type: NEVER_HEARD", b'\xff: "\xff"'])
def test_what_cannot_be_understood_is_no_state(tmp_path, content):
    (tmp_path / "monolith_checkpoint").write_bytes(content)
    assert get_monolith_checkpoint_state(tmp_path) is None


def test_no_file_is_no_state(tmp_path):
    assert get_monolith_checkpoint_state(tmp_path / "nowhere") is None


def test_a_folder_is_no_state(tmp_path):
    (tmp_path / "other").mkdir()
    assert get_monolith_checkpoint_state(tmp_path, "other") is None


def test_paths_where_nothing_is_are_left_out(tmp_path):
    (tmp_path / "hdfs:").mkdir()
    for name in ("folder", "checkpoint-2.json", "model.ckpt-3.index", "hdfs:/gone"):
        (tmp_path / name).touch()
    named = [
        "folder",
        "checkpoint-2",
        "model.ckpt-3",
        "gone",
        str(tmp_path / "folder"),
        "/gone",
        "hdfs:/gone",
    ]
    write(tmp_path, MonolithCheckpointState(exempt_model_checkpoint_paths=named))
    state = get_monolith_checkpoint_state(tmp_path, remove_invalid_path=True)
    there = ["folder", "checkpoint-2", "model.ckpt-3", "folder"]
    assert state.exempt_model_checkpoint_paths == [str(tmp_path / name) for name in there]


def test_a_file_stays_unless_told(tmp_path):
    write(tmp_path, OLD, overwrite=False)
    write(tmp_path, MonolithCheckpointState(), overwrite=False)
    assert get_monolith_checkpoint_state(tmp_path) == OLD


def test_a_failing_disk_leaves_old_or_new(tmp_path):
    new, seen = MonolithCheckpointState(exempt_model_checkpoint_paths=["b"]), []
    write(tmp_path, new, disk=(disk := RecordingDisk()))
    for fail_at in range(len(disk.calls)):
        write(tmp_path, OLD)
        with pytest.raises(
            CheckpointError, match=f"^I/O error at {tmp_path}/monolith_checkpoint: Input/output"
        ):
            write(tmp_path, new, disk=FaultyDisk(fail_at))
        seen.append(get_monolith_checkpoint_state(tmp_path))
    assert [state == OLD for state in seen] == [True, True, True, True, True, False]
    assert seen[-1] == new


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, 'exempt_model_checkpoint_paths:["b"],builtin_hash_table_type:CUCKOO_HASH_MAP'),
        ("nonsense", 'exempt_model_checkpoint_paths:["b"],builtin_hash_table_type:CUCKOO_HASH_MAP'),
        ('exempt_model_checkpoint_paths:["a"],builtin_hash_table_type:UNKNOWN',
         'exempt_model_checkpoint_paths:["a","b"],builtin_hash_table_type:UNKNOWN'),
        ('exempt_model_checkpoint_paths:["b","a"],last_checkpoint_save_timestamp:7',
         'exempt_model_checkpoint_paths:["b","a"],last_checkpoint_save_timestamp:7,'
         "builtin_hash_table_type:CUCKOO_HASH_MAP"),
    ],
    ids=["new", "not understood", "one more", "there already"],
)  # fmt: skip
def test_a_checkpoint_is_exempted(tmp_path, before, after):
    for name, content in (("is", before), ("should be", after)):
        (tmp_path / name).mkdir()
        if content:
            (tmp_path / name / "monolith_checkpoint").write_text(content)
    exempt_checkpoint(tmp_path / "is", "b")
    is_, should_be = map(get_monolith_checkpoint_state, (tmp_path / "is", tmp_path / "should be"))
    assert is_ == should_be
