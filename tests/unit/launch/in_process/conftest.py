"""A job in one process, on a clock that only sleeping moves."""

from __future__ import annotations

import time

import pytest

from monolith.launch.in_process.cluster import LocalCluster
from monolith.launch.in_process.config import ClusterConfig


class Clock:
    """Time that passes while someone sleeps; `meanwhile` is what others do then."""

    def __init__(self):
        self.now = 0.0
        self.meanwhile = lambda: None

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        self.meanwhile()


class RealClock:
    """The machine's own."""

    __call__ = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


def make(num_ps=2, num_workers=2, learning_rate=0.5, clock=None):
    clock = clock or Clock()
    config = ClusterConfig(
        [f"127.0.0.1:{2000 + i}" for i in range(num_ps)],
        [f"127.0.0.1:{3000 + i}" for i in range(num_workers)],
    )
    return LocalCluster(config, learning_rate, clock=clock, sleep=clock.sleep)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cluster(clock):
    """Two servers, two workers, all running."""
    one = make(clock=clock)
    one.start()
    return one
