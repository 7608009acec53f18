"""Windows are told to all who want to know, run after run."""

import json
import os

import pytest

from monolith.core.records import read_records
from monolith.estimator.around import Around
from monolith.estimator.telling import Telling
from monolith.estimator.window import Window
from monolith.metrics.streaming import Quality
from monolith.metrics.tally import Tally
from monolith.wire.tf import message


class Watcher:
    def __init__(self):
        self.said, self.shown = [], []

    def say(self, sentence):
        self.said.append(sentence)

    def show(self, sentence, table):
        self.shown.append((sentence, table))


@pytest.fixture
def watcher():
    return Watcher()


@pytest.fixture
def tell(tmp_path, watcher):
    """Tell windows, as one run."""

    def run(*windows, folder=tmp_path / "model"):
        telling = Telling(folder, Around(progress=watcher, clock=lambda: 5.0))
        for window in windows:
            telling.window(window, window)
        telling.close()
        return folder

    return run


def window(begin, step, examples=2):
    quality = Quality()
    quality.update([0.25, 0.75][:examples], [0.0, 1.0][:examples])
    return Window(begin=begin, step=step, quality=quality, replicas={"now": Tally()})


def scalars(folder):
    """(step, tag) of all that TensorBoard would show."""
    events = [
        message("tensorflow.Event").FromString(record)
        for file in sorted((folder / "events").iterdir())
        for record in read_records(file)
    ]
    return {(event.step, value.tag): value.simple_value for event in events for value in event.summary.value}


def lines(folder):
    return [json.loads(line) for line in (folder / "progressive.jsonl").read_text().splitlines()]


def test_a_later_run_appends(tell, watcher):
    folder = tell(window(0, 4), window(4, 8))
    with (folder / "progressive.jsonl").open("a") as file:
        file.write('{"time": 5.0, "fr')  # it was killed
    tell(window(4, 8), window(8, 9))
    assert [(line["from"], line["step"]) for line in lines(folder)] == [(0, 4), (4, 8), (4, 8), (8, 9)]
    assert len(watcher.shown) == 4


def test_tensorboard_gets_the_same(tell):
    found = scalars(tell(window(0, 4)))
    assert found[4, "progressive/trainer/auc"] == 1.0
    assert found[4, "progressive/now/missed"] == 0.0
    assert (4, "progressive/now/auc") not in found  # nobody knows it


def test_a_window_without_examples_is_not_told(tell, watcher):
    folder = tell(window(0, 0, examples=0))
    assert not folder.exists()
    assert not watcher.shown


def test_what_cannot_be_written_is_said_once(tell, watcher, tmp_path):
    (tmp_path / "file").write_text("no folder")
    tell(window(0, 4), window(4, 8), folder=tmp_path / "file")
    assert len(watcher.shown) == 2
    assert len(watcher.said) == 1


def test_events_that_cannot_be_written_keep_back_no_lines(tell, watcher, tmp_path):
    (tmp_path / "events").write_text("no folder")
    tell(window(0, 4), folder=tmp_path)
    assert [line["step"] for line in lines(tmp_path)] == [4]
    assert len(watcher.said) == 1


def test_a_full_disk_is_told_once_and_ends_nothing(watcher, tmp_path):
    telling = Telling(tmp_path, Around(progress=watcher))
    telling.figures(1, "train", {"auc": 0.5})
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, telling._events._file.fileno())
    os.close(full)
    for step in (2, 3):
        telling.figures(step, "train", {"auc": 0.5})
    telling.close()
    [said] = watcher.said
    assert said.startswith(f"figures are lost: {tmp_path}/events: no space left")
