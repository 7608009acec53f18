"""A reader of Kafka whose offset is not there, and whose brokers do not say what is."""

import threading
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError

from monolith.core.errors import BrokersUnreachable
from monolith.data.streams import kafka_reader
from monolith.data.streams.kafka_links import LOOKS
from monolith.data.streams.kafka_reader import KafkaReader
from monolith.data.streams.log import Partition, Span
from tests.unit.data.streams.conftest import Ticking, statistics

LOST, GOOD = Partition("t", 0), Partition("t", 1)


class Told:
    """What librdkafka gives: a message, or an error."""

    def __init__(self, partition, offset, error=None):
        self.topic, self.partition = (lambda: partition.topic), (lambda: partition.number)
        self.offset, self.error = (lambda: offset), (lambda: error and KafkaError(error))
        self.value = self.key = lambda: None
        self.timestamp = lambda: (0, -1)


class Brokers:
    """Their log and librdkafka's consumer in one: brokers that know topics, and spans once `answers`."""

    servers, patience_s = "h:1", 10.0

    def __init__(self):
        self.said, self.assigned, self.answers = [], [], False
        self.say, self.timer, self.coming = self.said.append, Ticking(1.0), []
        self.known_end = -1001  # nobody has said

    def consumer(self, _trouble, **properties):
        self.look = properties["stats_cb"]
        return self

    def within(self, _seconds):
        return self

    def span(self, _partition):
        if not self.answers:
            raise BrokersUnreachable(self.servers, 1.0, "no answer")
        return Span(3, 9)

    def consume(self, _most, _seconds):
        return [self.coming.pop(0)] if self.coming else []

    def assign(self, places):
        self.assigned += [(place.partition, place.offset) for place in places]

    incremental_assign = assign

    def incremental_unassign(self, _places):
        """What follows is an assignment."""

    def list_topics(self, topic, timeout):
        return SimpleNamespace(topics={topic: SimpleNamespace(error=None)})

    def get_watermark_offsets(self, _place, cached):
        return 0, self.known_end


@pytest.fixture
def brokers():
    return Brokers()


@pytest.fixture
def reader(brokers):
    """At an offset that is not there any more."""
    reader = KafkaReader(brokers, {LOST: 1, GOOD: 0})
    brokers.assigned.clear()
    brokers.coming.append(Told(LOST, 1, KafkaError._AUTO_OFFSET_RESET))
    return reader


def test_who_is_not_answered_asks_again(brokers, reader):
    reader.poll(1, 0)
    brokers.coming.append(Told(GOOD, 0))
    assert [message.partition for message in reader.poll(1, 0)] == [GOOD]
    assert (reader.away, brokers.assigned) == (True, [])
    brokers.answers = True
    reader.poll(1, 0)
    assert (reader.away, brokers.assigned) == (False, [(0, 3)])
    assert ["2 messages were deleted" in each for each in brokers.said] == [False, True, False]


def test_who_is_never_answered_loses_patience(brokers, reader):
    while brokers.timer.now < brokers.patience_s:
        assert reader.poll(1, 0) == []
    with pytest.raises(BrokersUnreachable, match="within 10 s"):
        [reader.poll(1, 0) for _ in range(2)]
    assert len(brokers.said) == 1


@pytest.mark.parametrize(("at", "goes_on"), [(9, 9), (10, 3)], ids=["it is there", "it is beyond the end"])
def test_only_what_ends_before_an_offset_was_made_anew(brokers, at, goes_on):
    """A new leader may tell an end that is too low for a moment."""
    brokers.answers = True
    reader = KafkaReader(brokers, {LOST: at})
    brokers.coming.append(Told(LOST, at, KafkaError._AUTO_OFFSET_RESET))
    reader.poll(1, 0)
    assert brokers.assigned[1:] == [(0, goes_on)]
    assert ["made anew" in each for each in brokers.said] == ([] if at == goes_on else [True])


@pytest.mark.parametrize(("there", "begins"), [(9, []), (10, [3])])
def test_an_end_of_before_a_jump_moves_nobody(brokers, there, begins):
    """The next message will have offset 9; what brokers said of an end long ago may be less than that."""
    reader = KafkaReader(brokers, {LOST: there})
    brokers.assigned.clear()
    brokers.known_end, brokers.answers = 8, True
    reader.poll(1, 0)
    assert brokers.assigned == [(0, begin) for begin in begins]
    assert ["made anew" in each for each in brokers.said] == [True] * len(begins)


def test_an_end_is_where_nothing_followed(brokers, reader):
    """A transaction ends with an offset that no message has."""
    brokers.coming = [Told(GOOD, 2), Told(GOOD, 4, KafkaError._PARTITION_EOF)]
    reader.poll(1, 0)
    reader.poll(1, 0)
    assert reader.ended == {GOOD: 4}
    brokers.coming = [Told(GOOD, 4)]
    reader.poll(1, 0)
    assert reader.ended == {}


def test_while_all_are_away_nothing_is_told_of_one(brokers, reader):
    reader.poll(1, 0)
    for _ in range(LOOKS):
        brokers.look(statistics(connected=[1]))
    brokers.answers = True
    reader.poll(1, 0)
    reader.poll(1, 0)
    assert ["no connection" in each for each in brokers.said] == [False] * 3
    for _ in range(LOOKS):
        brokers.look(statistics(connected=[1]))
    assert "no connection" in brokers.said[3]


def test_a_close_that_is_never_answered_is_left_alone(brokers, reader, monkeypatch):
    monkeypatch.setattr(kafka_reader, "CLOSE_S", 0.01)
    done, answered = [], threading.Event()
    brokers.close = lambda: done.append(answered.wait(2))
    reader.close()
    assert done == []
    answered.set()


def test_a_close_that_is_answered_is_awaited(brokers, reader):
    done, began = [], threading.Event()
    threading.Timer(0.05, began.set).start()
    brokers.close = lambda: done.append(began.wait())
    reader.close()
    assert done == [True]
