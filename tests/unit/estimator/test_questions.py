"""How long a replica is waited for, and when it is asked again."""

import math
import re
from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np
import pytest

from monolith.core.batch import Batch
from monolith.core.errors import ServingError
from monolith.estimator import questions as questions_module
from monolith.estimator.questions import ASK_AGAIN_S, LONGEST_PAUSE_S, STEADY_S, Questions
from monolith.serving.asking import Answer

TIMEOUT_S = 0.01
BATCH = Batch({}, {}, np.array([1, 0, 0], np.float32), np.ones(3, np.float32))
GOOD = Answer(np.array([0.9, 0.2, 0.1], np.float32), 1.5)
REFUSED = ServingError("h:1: UNAVAILABLE: nobody is there")


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


class Fake:
    """A replica that answers what it is told to, or when it is told to."""

    def __init__(self):
        self.ready, self.asked = GOOD, []

    def ask(self, request):
        self.asked.append(Future())
        if self.ready is not None:
            give(self.asked[-1], self.ready)
        return self.asked[-1]


def give(future, answer):
    put = future.set_exception if isinstance(answer, Exception) else future.set_result
    put(answer)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def fake():
    return Fake()


@pytest.fixture
def said():
    return []


@pytest.fixture
def questions(fake, clock, said):
    return Questions("now", fake, TIMEOUT_S, said.append, clock)


def go(questions, batch=BATCH):
    """Read a batch and learn it: whether it was predicted."""
    question = questions.ask(None, len(batch)) if questions.due else None
    questions.settle(question, batch)
    figures = questions.taken().figures()
    assert figures["examples"] + figures["missed"] == len(batch)
    return figures["missed"] == 0


def test_an_answer_is_counted(questions, said):
    questions.settle(questions.ask(None, 3), BATCH)
    figures = questions.taken().figures()
    assert (figures["auc"], figures["examples"], figures["missed"]) == (1.0, 3, 0)
    assert (figures["staleness_s"], said) == (1.5, [])


def test_negatives_stand_for_those_left_out(questions):
    kept = Batch({}, {}, BATCH.labels, BATCH.weights, None, np.full(3, 0.5, np.float32))
    questions.settle(questions.ask(None, 3), kept)
    assert questions.taken().figures()["calibration"] == pytest.approx(0.9 + 2 * 0.2 + 2 * 0.1)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (REFUSED, "nobody is there"),
        (None, "no answer within 0.01 s"),
        (Answer(np.zeros(2, np.float32), 0.0), r"shape \(2,\) for 3 rows"),
        (Answer(np.array([0.1, 0.2, 1.5], np.float32), 0.0), "not all in 0..1"),
        (Answer(np.array([0.1, 0.2, math.nan], np.float32), 0.0), "not all in 0..1"),
    ],
)
def test_who_is_away_is_asked_now_and_then(questions, fake, clock, said, wrong, why):
    fake.ready = wrong
    assert not any(go(questions) for _ in range(5))
    assert len(fake.asked) == 1
    clock.now += ASK_AGAIN_S
    assert not any(go(questions) for _ in range(5))
    assert len(fake.asked) == 2
    fake.ready = GOOD
    clock.now += ASK_AGAIN_S
    assert all(go(questions) for _ in range(5))
    assert re.search(f"^now does not predict.*: .*{why}", said[0])
    assert said[1:] == ["now predicts again"]


def test_a_late_answer_does_not_count_and_brings_it_back(questions, fake):
    fake.ready = None
    assert not go(questions)
    give(fake.asked[0], GOOD)
    fake.ready = GOOD
    assert questions.taken().figures()["examples"] == 0
    assert go(questions)


def test_nobody_waits_for_one_that_is_away(fake, clock, said):
    questions = Questions("now", fake, 3600.0, said.append, clock)
    fake.ready = None
    first, second = (questions.ask(None, 3) for _ in range(2))
    give(fake.asked[0], REFUSED)
    for question in (first, second):
        questions.settle(question, BATCH)  # an hour, if it waited
    assert questions.taken().missed == 6


def test_the_end_is_nobodys_fault(questions, fake, said):
    fake.ready = None
    questions.ask(None, 3)
    questions.close()
    give(fake.asked[0], REFUSED)
    assert said == []


def test_what_came_in_time_counts_though_it_is_away(questions, fake, clock):
    fake.ready = None
    first, second = (questions.ask(None, 3) for _ in range(2))
    give(fake.asked[1], GOOD)
    give(fake.asked[0], REFUSED)
    questions.settle(first, BATCH)
    questions.settle(second, BATCH)
    tally = questions.taken()
    assert (tally.quality.examples, tally.missed) == (3, 3)


def test_who_relapses_is_waited_for_ever_less(fake, clock, said, monkeypatch):
    waited = []

    def wait(futures, patience_s):
        clock.now += patience_s
        waited.append(patience_s)
        return SimpleNamespace(done={one for one in futures if one.done()})

    def train(seconds):
        """Batch after batch, and each answer comes a little late: how long all have waited."""
        waited.clear()
        for end in np.arange(clock.now, clock.now + seconds):
            clock.now = max(clock.now, end)
            question = questions.ask(None, 3) if questions.due else None
            questions.settle(question, BATCH)
            if question:
                give(question.answer, GOOD)
        return sum(waited)

    monkeypatch.setattr(questions_module, "wait", wait)
    fake.ready = None
    questions = Questions("now", fake, 0.5, said.append, clock)
    assert train(100) <= 5
    assert train(LONGEST_PAUSE_S) <= 2
    assert len(said) <= 30
    assert "not waited for in the next 0.5 s: no answer" in said[2]


def test_a_slip_is_forgiven(questions, fake, clock):
    for _ in range(3):
        fake.ready = None
        assert not go(questions)
        give(fake.asked[-1], GOOD)
        fake.ready = GOOD
        assert go(questions)
        clock.now += STEADY_S


def test_what_a_relapsed_one_answers_in_time_counts(questions, fake, clock):
    for _ in range(2):
        fake.ready = None
        go(questions)
        give(fake.asked[-1], GOOD)
    fake.ready = GOOD
    assert not go(questions)  # it is away, and was asked just now
    clock.now += ASK_AGAIN_S
    assert go(questions)
