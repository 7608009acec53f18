"""One of several brokers is gone: what is said of the partitions that are read from it, and when."""

import pytest

from monolith.data.streams.kafka_links import LOOKS, Links
from tests.unit.data.streams.conftest import NOBODY, statistics

WELL = {"connected": [1, 2], "leaders": (1, 2)}
GONE = {"connected": [1], "leaders": (1, 2)}
ELECTING = {"connected": [1, 2], "leaders": (1, NOBODY)}
MOVED = {"connected": [1], "leaders": (1, 1)}


@pytest.fixture
def said():
    return []


@pytest.fixture
def look(said):
    links = Links(said.append)
    return lambda times, now: [links.heed(statistics(**now)) for _ in range(times)]


@pytest.mark.parametrize("gone", [GONE, ELECTING])
@pytest.mark.parametrize("back", [WELL, MOVED])
def test_a_partition_without_broker_is_told_once_and_so_is_its_return(look, said, gone, back):
    look(LOOKS - 1, gone)
    assert said == []
    look(LOOKS, gone)
    assert said == ["no connection to the broker of clicks/1: waiting for it, or for a new leader"]
    look(2, back)
    assert said[1:] == ["connected again to the broker of clicks/1"]


@pytest.mark.parametrize("gone", [GONE, ELECTING])
def test_a_new_leader_within_a_few_looks_is_nothing_to_tell(look, said, gone):
    for _ in range(3):
        look(LOOKS - 1, gone)
        look(1, MOVED)
    assert said == []


def test_those_of_one_broker_are_told_together(look, said):
    look(LOOKS, {"connected": [1], "leaders": (2, 1, 2)})
    assert ["clicks/0, clicks/2" in each for each in said] == [True]
