"""What a step does to the rows that are there, and how what is written and read of them differs."""

import numpy as np
import pytest

from monolith.config.bad_gradients import BadGradients
from monolith.table.config import Adagrad, Constants, Dc, FixedR8, Segment, Sgd, TableConfig, Zeros
from monolith.table.learning import Learner
from monolith.table.steps import Step, judged
from monolith.table.store import UNTIMED, Store

CONFIG = TableConfig((Segment(2, Constants(1.0), Sgd(0.5)), Segment(1, Zeros(), Adagrad(0.5, 1.0))))
FIDS = np.array([4, 9])


def begun(config=CONFIG):
    store = Store(config, 0)
    store.find_or_create(FIDS)
    return Learner(config, 0), store


def step_of(fids, grads, config=CONFIG, **told):
    return judged(Step(np.array(fids), np.array(grads, np.float32), **told), config, BadGradients.REFUSE)


def values(store, width=3):
    rows = np.empty((len(FIDS), width), np.float32)
    store.read(FIDS, rows)
    return rows


def test_those_without_a_row_are_told_and_nothing_else_happens():
    learner, store = begun()
    missing = learner.learn(store, step_of([5, 4, 6], np.ones((3, 3))), UNTIMED)
    assert missing.tolist() == [0, 2]
    assert values(store).tolist() == [[0.5, 0.5, pytest.approx(-0.5 / 2**0.5)], [1, 1, 0]]


def test_each_segment_has_its_rate():
    learner, store = begun()
    learner.learn(store, step_of([9], [[1, 2, 1]], learning_rates=(0.25, 0)), UNTIMED)
    assert values(store).tolist() == [[1, 1, 0], [0.75, 0.5, 0]]


def test_an_id_twice_takes_two_steps():
    learner, store = begun()
    learner.learn(store, step_of([4, 4], np.ones((2, 3))), UNTIMED)
    assert values(store)[0].tolist() == [0, 0, pytest.approx(-0.5 / 2**0.5 - 0.5 / 3**0.5)]


def test_the_latest_step_is_kept():
    learner, store = begun()
    for step in (3, 8, 5):
        learner.learn(store, step_of([4], np.ones((1, 3)), step=step), UNTIMED)
    assert learner.latest_step == 8


def test_writing_knows_no_segments_and_leaves_the_state():
    learner, store = begun()
    learner.learn(store, step_of([4], np.ones((1, 3))), UNTIMED)
    state = values(store, 4)[0, 3]
    for work, expected in ((learner.assign, [7, 7, 7]), (learner.add, [14, 14, 14])):
        store.update(work, FIDS[:1], np.full((1, 3), 7, np.float32))
        assert values(store, 4)[0].tolist() == [*expected, state]


def test_reading_rounds_as_serving_does():
    """A third of what eight bits hold up to 1 is 43 128ths; the other segment is as it is."""
    config = TableConfig((Segment(1, Zeros(), Sgd(), FixedR8(1.0)), Segment(1, Zeros(), Sgd())))
    rows = np.full((1, 2), 1 / 3, np.float32)
    Learner(config, 0).as_read(rows)
    assert rows[0].tolist() == [43 / 128, np.float32(1 / 3)]


@pytest.mark.parametrize(("latest", "gradient"), [(None, 1), (3, 1 + 0.5 * (1 - 3)), (0, 1 + 0.5 * (1 - 0))])
def test_late_gradients_are_compensated(latest, gradient):
    """g + λ g² (w - latest), where g and w are 1 and λ is 0.5."""
    config = TableConfig((Segment(1, Constants(1.0), Dc(Sgd(0.5), 0.5)),))
    learner, store = begun(config)
    latest = None if latest is None else np.full((1, 1), latest, np.float32)
    learner.learn(store, step_of([4], [[1.0]], config, latest=latest), UNTIMED)
    assert values(store, 1)[0, 0] == 1 - 0.5 * gradient
