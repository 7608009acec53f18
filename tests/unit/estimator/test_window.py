"""What is told of a window, to programs and to people."""

import json
import math

import attrs
import pytest

from monolith.data.reading import Bookmark
from monolith.estimator.rounds import Note
from monolith.estimator.window import Window, as_json, as_rows, as_sentence
from monolith.metrics.streaming import Quality
from monolith.metrics.tally import Tally


def quality(*predictions):
    counted = Quality()
    counted.update(predictions, [float(p > 0.5) for p in predictions])
    return counted


def note(steps, predictions, event_time_s=0, missed=0):
    tally = Tally()
    tally.quality, tally.missed, tally.staleness_s = quality(*predictions[: 2 - missed]), missed, 1.0 + steps
    return Note(
        bookmark=Bookmark(),
        steps=steps,
        exhausted=False,
        stopping=False,
        quality=quality(*predictions),
        replicas={"now": tally},
        event_time_s=event_time_s,
    )


@pytest.fixture
def window():
    return Window.of(100, [note(2, [0.25, 0.75], 1_700), note(1, [0.75, 0.75], missed=2)])


def test_programs_read_what_the_page_says(window):
    told = json.loads(json.dumps(as_json(window, 12.5), allow_nan=False))
    figures = told.pop("figures")
    assert told == {"time": 12.5, "from": 100, "step": 103, "event_time_ms": 1_700_000, "examples": 4}
    assert figures["trainer"] == {
        "auc": 1.0,
        "logloss": pytest.approx(-math.log(0.75)),
        "calibration": pytest.approx(2.5 / 3),
        "examples": 4,
    }
    assert figures["now"]["staleness_s"] == 3.0
    assert (figures["now"]["examples"], figures["now"]["missed"]) == (2, 2)


def test_what_nobody_knows_is_null():
    figures = as_json(Window.of(0, [note(1, [0.75], missed=2)]), 0.0)
    assert figures["event_time_ms"] is None
    assert figures["figures"]["now"]["auc"] is None


def test_windows_add_up(window):
    later = Window.of(window.step, [note(4, [0.25, 0.25])])
    whole = window.plus(later)
    assert (whole.begin, whole.step, whole.event_time_s) == (100, 107, 1_700)
    assert whole.known["trainer"]["examples"] == 6
    assert (whole.known["now"]["examples"], whole.known["now"]["missed"]) == (4, 2)
    rows = as_rows(later, whole)
    assert [(row["by"], row["so far"]) for row in rows] == [("trainer", 6), ("now", 4)]


def test_a_line_says_who_how_good_and_how_old(window):
    silent = Tally()
    silent.missed = 4
    told = attrs.evolve(window, replicas={**window.replicas, "never": silent})
    assert as_sentence(told) == (
        "4 examples up to step 103, AUC and logloss: "
        "trainer 1.0000 0.2877; now 1.0000 0.2877, 3.0 s old, 2 missed; never nothing, 4 missed"
    )
