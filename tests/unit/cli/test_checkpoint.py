"""`monolith checkpoint`: what is there, and is it sound."""

import json

import pytest

from monolith.checkpoint import catalogue
from monolith.checkpoint.store import CheckpointStore
from monolith.checkpoint.tensorfile import verify_file
from monolith.cli.main import main
from monolith.testing.faulty_disk import RecordingDisk
from monolith.testing.small_job import save


@pytest.fixture
def model_dir(tmp_path):
    store = CheckpointStore(tmp_path, disk=RecordingDisk())
    for step in (10, 20):
        save(store, step, mark=step)
    return tmp_path


def asked(capsys, *argv):
    """Exit code and JSON answer."""
    status = main(["checkpoint", *map(str, argv), "--json"], {})
    return status, json.loads(capsys.readouterr().out)


def alter(model_dir, step):
    path = model_dir / f"checkpoint-{step}" / "dense.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    return path


@pytest.mark.parametrize("how", [(), ("--model-dir",), ("-d",)], ids=["place", "flag", "short"])
def test_ls_has_a_line_each(model_dir, capsys, how):
    status, answer = asked(capsys, "ls", *how, model_dir)
    assert status == 0
    assert [(row["step"], row["state"], row["rows"], row["model"]) for row in answer["rows"]] == [
        (10, "complete", 20, "small"),
        (20, "complete", 20, "small"),
    ]


def test_ls_names_what_is_missing(model_dir, capsys):
    (model_dir / "checkpoint-20" / "dense.safetensors").unlink()
    (model_dir / "checkpoint-10.json").write_text("{")
    status, answer = asked(capsys, "ls", model_dir)
    assert status == 1
    assert [row["state"].split(": ")[:2] for row in answer["rows"]] == [
        [f"{model_dir}/checkpoint-10.json", "is cut short or altered"],
        [f"{model_dir}/checkpoint-20/dense.safetensors", "the file is missing"],
    ]


@pytest.mark.parametrize(("which", "step"), [((), 20), (("--step", 10), 10)])
def test_show_tells_all_of_one(model_dir, capsys, which, step):
    status, answer = asked(capsys, "show", model_dir, *which)
    assert (status, answer["step"], answer["batches_of_worker_0"]) == (0, step, step)
    assert (answer["train_auc"], answer["train_logloss"]) == (0.5, None)
    assert [row["table"] for row in answer["rows"]] == ["", "item", "user/age", "item", "user/age"]


def test_verify_reads_every_file(model_dir, capsys):
    path = alter(model_dir, 10)
    assert asked(capsys, "ls", model_dir)[0] == 0
    status, answer = asked(capsys, "verify", model_dir)
    assert status == 1
    assert [row["step"] for row in answer["rows"] if row["state"] != "complete"] == [10]
    assert answer["rows"][0]["state"].startswith(f"{path}: has CRC32C")


@pytest.mark.parametrize(("step", "expected"), [(10, 1), (20, 0)])
def test_verify_of_one(model_dir, capsys, step, expected):
    alter(model_dir, 10)
    assert asked(capsys, "verify", model_dir, "--step", step)[0] == expected


def test_what_a_training_prunes_meanwhile_is_not_damaged(model_dir, capsys, monkeypatch):
    """It keeps two, and saves a third while the first is read."""
    coming = iter([30])

    def overtaken(*args):
        for step in coming:
            save(CheckpointStore(model_dir, max_to_keep=2, disk=RecordingDisk()), step, mark=step)
        return verify_file(*args)

    monkeypatch.setattr(catalogue, "verify_file", overtaken)
    status, answer = asked(capsys, "verify", model_dir)
    assert (status, answer["rows"]) == (0, [{"step": 20, "state": "complete"}])


def test_a_checkpoint_that_was_passed_over_is_named(model_dir, capsys):
    (model_dir / "checkpoint-20" / "dense.safetensors").unlink()
    main(["checkpoint", "show", f"--model-dir={model_dir}"], {})
    assert "checkpoint-20 is damaged and was passed over: " in capsys.readouterr().err
