"""Structures of tensors through a queue."""

from __future__ import annotations

import numpy as np
import pytest

from monolith.core.errors import ConfigError, DataError, QueueClosed
from monolith.core.nested import Token
from monolith.core.nested_queue import enqueue_dicts_with_queue_return


def batch(value):
    return {"ids": [np.full(2, value), "kept"], "none": None}


def test_what_went_in_comes_out():
    pattern, queue = enqueue_dicts_with_queue_return(batch(0), 2)
    assert pattern == queue.token_template == {"ids": [Token(0), "kept"], "none": None}
    assert len(queue.queue) == 0  # the pattern is not enqueued
    queue.enqueue(batch(1))
    queue.enqueue(batch(2))
    queue.queue.close()
    for value in (1, 2):
        np.testing.assert_equal(queue.dequeue(), batch(value))
    with pytest.raises(QueueClosed):
        queue.dequeue()


def test_no_capacity_means_no_queue():
    given = batch(0)
    assert enqueue_dicts_with_queue_return(given, 0) == (given, None)


def test_another_structure_is_refused():
    _, queue = enqueue_dicts_with_queue_return(batch(0), 2)
    with pytest.raises(DataError, match=r"this queue holds \{'ids'.*, not \[Token"):
        queue.enqueue([np.zeros(1)])
    assert len(queue.queue) == 0


def test_a_negative_capacity_is_refused():
    with pytest.raises(ConfigError, match="capacity=-1"):
        enqueue_dicts_with_queue_return({}, -1)
