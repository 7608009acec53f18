"""Event files as TensorBoard reads them."""

import pytest

from monolith.metrics.events import EventWriter

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def read(folder):
    events = accumulator.EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: [(e.wall_time, e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]
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
