"""Event files as TensorBoard reads them."""

import os

import pytest

from monolith.metrics import events
from monolith.metrics.events import EventWriter

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def read(folder):
    found = accumulator.EventAccumulator(str(folder))
    found.Reload()
    return {
        tag: [(e.wall_time, e.step, e.value) for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]
    }


def test_tensorboard_reads_the_scalars(tmp_path):
    with EventWriter(tmp_path, clock=lambda: 1000.5) as writer:
        writer.scalars(10, {"train/auc": 0.5, "train/logloss": 0.25})
        writer.scalars(20, {"train/auc": 0.75})
    assert read(tmp_path) == {
        "train/auc": [(1000.5, 10, 0.5), (1000.5, 20, 0.75)],
        "train/logloss": [(1000.5, 10, 0.25)],
    }


def test_two_runs_in_a_second_are_both_read(tmp_path):
    for step in (1, 2):
        with EventWriter(tmp_path, clock=lambda: 7.0) as writer:
            writer.scalars(step, {"auc": step / 4})
    assert read(tmp_path)["auc"] == [(7.0, 1, 0.25), (7.0, 2, 0.5)]


def test_what_was_told_is_there_before_close(tmp_path):
    writer = EventWriter(tmp_path / "new" / "folder", clock=lambda: 1.0)
    writer.scalars(1, {"auc": 0.5})
    assert read(tmp_path / "new" / "folder")["auc"] == [(1.0, 1, 0.5)]
    writer.close()


def test_a_full_disk_leaves_no_empty_file(tmp_path, monkeypatch):
    made = events._new_file

    def full(folder, second):
        file, device = made(folder, second), os.open("/dev/full", os.O_WRONLY)
        os.dup2(device, file.fileno())
        os.close(device)
        return file

    monkeypatch.setattr(events, "_new_file", full)
    with pytest.raises(OSError, match="No space left"):
        EventWriter(tmp_path, clock=lambda: 7.0)
    assert list(tmp_path.iterdir()) == []
