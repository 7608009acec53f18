"""`monolith checkpoint export | import`, from the command line."""

import json

import pytest

from monolith.checkpoint.claim import Claim
from monolith.checkpoint.store import CheckpointStore
from monolith.cli.main import main
from monolith.testing.faulty_disk import RecordingDisk
from monolith.testing.small_job import load, save


@pytest.fixture
def model_dir(tmp_path):
    store = CheckpointStore(tmp_path / "model", disk=RecordingDisk())
    for step in (10, 20):
        save(store, step, mark=step)
    return store.model_dir


def asked(capsys, *argv):
    """Exit code and JSON answer."""
    status = main(["checkpoint", *map(str, argv), "--json"], {})
    return status, json.loads(capsys.readouterr().out)


def test_tables_go_out_and_in(model_dir, tmp_path, capsys):
    both = [{"table": "item", "rows": 10}, {"table": "user/age", "rows": 10}]
    assert asked(capsys, "export", model_dir, tmp_path / "out", "--step", 10) == (0, {"rows": both})
    assert asked(capsys, "import", model_dir, tmp_path / "out") == (0, {"rows": both})
    stored = CheckpointStore(model_dir)
    assert [one.step for one in stored.list()] == [10, 20]
    assert load(stored, stored.get(20)) == {10.0, 20.0}  # rows of step 10, parameters of step 20


def test_a_table_by_another_name(model_dir, tmp_path, capsys):
    asked(capsys, "export", model_dir, tmp_path / "out", "--together", "--parts", 2)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert "MonolithMultiHashTable.meta-00001-of-00002" in names
    status, answer = asked(capsys, "import", model_dir, tmp_path / "out", "--table", "item=user/age")
    assert status == 1
    assert "that of another optimizer" in str(answer)


def test_nothing_is_imported_under_a_training(model_dir, tmp_path, capsys):
    asked(capsys, "export", model_dir, tmp_path / "out")
    with Claim(model_dir):
        status, answer = asked(capsys, "import", model_dir, tmp_path / "out")
    assert (status, "another training writes here" in str(answer)) == (1, True)


@pytest.mark.parametrize(
    ("argv", "status", "told"),
    [
        (("import", "{model}", "{tmp}/none"), 1, "none: there is no such folder"),
        (("import", "{model}", "{tmp}"), 1, "has no dump of item, user/age; it has nothing"),
        (("export", "{tmp}", "{tmp}/out"), 1, "train a step first"),
        (("export", "{model}"), 2, "DUMP"),
        (("import", "{model}", "{tmp}", "--table", "item"), 2, "'item' must be OURS=THEIRS"),
        (("export", "{model}", "{tmp}", "--format", "json"), 2, "must be one of: entry-dump"),
    ],
)
def test_misuse_is_told(model_dir, tmp_path, capsys, argv, status, told):
    found, answer = asked(capsys, *(word.format(model=model_dir, tmp=tmp_path) for word in argv))
    assert found == status
    assert told in str(answer)
