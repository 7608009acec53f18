"""One suite for all logs: in memory, on librdkafka's mock, on a real broker."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from monolith.core.errors import TopicNotFound
from monolith.data.streams.log import Message, Partition, Span
from monolith.data.streams.memory import MemoryLog
from tests.integration.stream.conftest import kafka

PARTITIONS = 3
PATIENCE_S = 20


@pytest.fixture
def topic():
    return f"clicks-{uuid4().hex}"


@pytest.fixture(params=["memory", "mock", "tansu"])
def log(request, topic):
    if request.param == "memory":
        return MemoryLog({topic: PARTITIONS})
    if request.param == "mock":
        cluster = request.getfixturevalue("mock")
        cluster.create(topic, PARTITIONS)
        return kafka(cluster.servers)
    made = kafka(request.getfixturevalue("shared_broker").servers)
    made.create(topic, PARTITIONS)
    return made


def fill(log, topic, count, first=0):
    writer = log.write()
    for number in range(first, first + count):
        writer.send(topic, b"value %d" % number, key=b"key %d" % number, timestamp_ms=1_000 * (number + 1))
    writer.flush()


def places(topic):
    return [Partition(topic, number) for number in range(PARTITIONS)]


def read(log, offsets, count):
    """The next `count` messages, and none after them."""
    reader, found, until = log.read(offsets), [], time.monotonic() + PATIENCE_S
    while len(found) < count and time.monotonic() < until:
        found += reader.poll(count - len(found), 0.5)
    found += reader.poll(10, 0.2)
    reader.close()
    return found


def test_what_was_sent_is_read(log, topic):
    fill(log, topic, 100)
    got = read(log, dict.fromkeys(places(topic), 0), 100)
    assert {m.partition for m in got} == set(places(topic))
    for place in places(topic):
        mine = [m for m in got if m.partition == place]
        assert [m.offset for m in mine] == list(range(len(mine)))
    assert sorted((m.key, m.value, m.timestamp_ms) for m in got) == sorted(
        (b"key %d" % n, b"value %d" % n, 1_000 * (n + 1)) for n in range(100)
    )


def test_a_key_has_one_partition(log, topic):
    for _ in range(3):
        fill(log, topic, 10)
    got = read(log, dict.fromkeys(places(topic), 0), 30)
    assert len({(m.key, m.partition) for m in got}) == 10


def test_spans_say_what_is_there(log, topic):
    assert [log.span(place) for place in places(topic)] == [Span(0, 0)] * PARTITIONS
    for number in range(20):  # tansu tells the end behind the first message of the last batch
        fill(log, topic, 1, first=number)
    assert sum(log.span(place).end for place in places(topic)) == 20


def test_one_reads_on_from_an_offset(log, topic):
    fill(log, topic, 60)
    whole = {(m.partition, m.offset) for m in read(log, dict.fromkeys(places(topic), 0), 60)}
    got = read(log, dict.fromkeys(places(topic), 5), 45)
    assert {(m.partition, m.offset) for m in got} == {(p, offset) for p, offset in whole if offset >= 5}


def test_beyond_the_end_is_the_beginning(log, topic):
    fill(log, topic, 30)
    got = read(log, {places(topic)[0]: 0, places(topic)[1]: 999, places(topic)[2]: 0}, 30)
    assert len({m.key for m in got}) == 30


def test_a_commit_moves_no_reader(log, topic):
    fill(log, topic, 20)
    reader = log.read(dict.fromkeys(places(topic), 0))
    reader.commit({place: log.span(place).end for place in places(topic)})
    reader.close()
    reader.commit({places(topic)[0]: 1})  # too late, which harms nobody
    assert len(read(log, dict.fromkeys(places(topic), 0), 20)) == 20


def test_what_comes_later_is_read(log, topic):
    reader = log.read(dict.fromkeys(places(topic), 0))
    assert list(reader.poll(5, 0.2)) == []
    fill(log, topic, 5)
    got, until = [], time.monotonic() + PATIENCE_S
    while len(got) < 5 and time.monotonic() < until:
        got += reader.poll(5, 0.5)
    reader.close()
    assert len(got) == 5
    assert all(isinstance(m, Message) for m in got)


def test_who_reads_to_the_end_sees_it(log, topic):
    fill(log, topic, 20)
    reader = log.read(dict.fromkeys(places(topic), 0))
    got, until = 0, time.monotonic() + PATIENCE_S
    while set(reader.ended) != set(places(topic)) and time.monotonic() < until:
        got += len(reader.poll(100, 0.2))
    assert (got, set(reader.ended)) == (20, set(places(topic)))
    fill(log, topic, 10, first=20)
    while got < 30 and time.monotonic() < until:
        got += len(reader.poll(1, 0.2))
    while set(reader.ended) != set(places(topic)) and time.monotonic() < until:
        reader.poll(1, 0.2)
    reader.close()
    assert (got, set(reader.ended)) == (30, set(places(topic)))


def test_an_unknown_topic_is_named(log):
    with pytest.raises(TopicNotFound, match="'nothing'"):
        log.partitions("nothing")


def test_partitions_are_counted(log, topic):
    assert log.partitions(topic) == PARTITIONS


def test_a_topic_that_another_made_meanwhile_is_there(shared_broker, topic, monkeypatch):
    """Between looking for it and making it: an asking client may make it, and so may another job."""
    log = kafka(shared_broker.servers)
    log.create(topic, PARTITIONS)
    count, looks = log._count, []

    def late(client, name):
        looks.append(name)
        if len(looks) == 1:
            raise TopicNotFound(name, log.servers)
        return count(client, name)

    monkeypatch.setattr(log, "_count", late)
    log.create(topic, PARTITIONS)
    assert len(looks) == 2
