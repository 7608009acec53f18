"""Brokers that go away, come back, forget, refuse: said once, waited for, and never too long."""

from __future__ import annotations

import re
import time

import pytest
from confluent_kafka import KafkaError, KafkaException

from monolith.core.errors import BrokersUnreachable, ConfigError, StreamError
from monolith.data.streams.kafka import KafkaLog
from monolith.data.streams.log import Partition
from tests.integration.stream.conftest import kafka
from tests.integration.stream.mock import FETCH, METADATA, PRODUCE, MockCluster

PLACES = [Partition("clicks", number) for number in range(3)]
PATIENCE_S = 30


@pytest.fixture
def three():
    cluster = MockCluster(3)
    cluster.create("views", 3)
    yield cluster
    cluster.close()


def fill(log, count, topic="clicks"):
    writer = log.write()
    for number in range(count):
        writer.send(topic, b"%d" % number, key=b"%d" % number)
    writer.flush()


def poll_until(reader, done):
    """Poll until `done(what came so far)`."""
    got, until = [], time.monotonic() + PATIENCE_S
    while not done(got):
        assert time.monotonic() < until, got
        got += reader.poll(100, 0.1)
    return got


def test_nobody_there_is_one_bounded_error():
    began = time.monotonic()
    with pytest.raises(BrokersUnreachable, match=r"127\.0\.0\.1:1 within 1 s .*refused"):
        kafka("127.0.0.1:1", timeout_s=1.0).partitions("clicks")
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(("key", "value"), [("no.such.property", "1"), ("fetch.min.bytes", "many")])
def test_a_property_is_named(key, value):
    with pytest.raises(ConfigError, match=key):
        KafkaLog({"bootstrap.servers": "x", "group.id": "g", key: value}, print)


def test_brokers_that_come_back_lose_nothing(mock):
    said = []
    log = kafka(mock.servers, said)
    fill(log, 50)
    reader = log.read(dict.fromkeys(PLACES, 0))
    got = poll_until(reader, lambda got: len(got) == 50)
    mock.down()
    poll_until(reader, lambda _: reader.away)
    mock.up()
    poll_until(reader, lambda _: not reader.away)
    fill(log, 50)
    got += poll_until(reader, lambda got: len(got) == 50)
    reader.close()
    assert len({(m.partition, m.offset) for m in got}) == 100
    assert [word in sentence for word, sentence in zip(("are away", "are back"), said, strict=True)] == [
        True
    ] * 2


def test_partitions_of_one_broker_that_is_gone_are_told(three):
    said, topic = [], [Partition("views", number) for number in range(3)]
    properties = {"bootstrap.servers": three.servers, "group.id": "g", "statistics.interval.ms": 100}
    reader = KafkaLog(properties, said.append, timeout_s=10.0).read(dict.fromkeys(topic, 0))
    poll_until(reader, lambda _: len(reader.ended) == 3)
    assert said == []
    three.down(2)
    poll_until(reader, lambda _: said)
    three.up(2)
    poll_until(reader, lambda _: len(said) == 2)
    reader.close()
    assert [re.findall(r"views/\d", sentence) for sentence in said] == [["views/1"]] * 2


def test_patience_ends(mock):
    said = []
    log = kafka(mock.servers, said, patience_s=1.0)
    reader = log.read(dict.fromkeys(PLACES, 0))
    mock.down()
    with pytest.raises(BrokersUnreachable, match="within 1 s"):
        poll_until(reader, lambda _: False)
    reader.close()
    assert len(said) == 1


@pytest.mark.parametrize(
    "error",
    [KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.REQUEST_TIMED_OUT, KafkaError.BROKER_NOT_AVAILABLE],
)
def test_passing_errors_lose_nothing(mock, error):
    log = kafka(mock.servers)
    fill(log, 10)
    for api in (FETCH, METADATA, PRODUCE):
        mock.fail(api, [error] * 3)
    fill(log, 10)
    reader = log.read(dict.fromkeys(PLACES, 0))
    got = poll_until(reader, lambda got: len(got) == 20)
    reader.close()
    assert len({(m.partition, m.offset) for m in got}) == 20


def test_an_offset_that_is_not_there_is_told(mock):
    said = []
    log = kafka(mock.servers, said)
    fill(log, 30)
    reader = log.read({PLACES[0]: 0, PLACES[1]: 999, PLACES[2]: 0})
    got = poll_until(reader, lambda got: len(got) == 30)
    reader.close()
    assert sorted(int(m.value) for m in got) == list(range(30))
    assert "clicks/1 ends before offset 999: it was made anew" in said[0]


def test_what_cannot_be_stored_is_an_error(mock):
    writer = kafka(mock.servers, patience_s=1.0).write()
    mock.down()
    writer.send("clicks", b"1")
    with pytest.raises(BrokersUnreachable):
        writer.flush()


def test_a_frozen_broker_is_waited_for(broker):
    said = []
    log = kafka(broker.servers, said)
    log.create("clicks", 3)
    fill(log, 20)
    reader = log.read(dict.fromkeys(PLACES, 0))
    got = poll_until(reader, lambda got: len(got) == 20)
    broker.freeze()
    assert reader.poll(1, 1.0) == []
    broker.thaw()
    fill(log, 20)
    got += poll_until(reader, lambda got: len(got) == 20)
    reader.close()
    assert len({(m.partition, m.offset) for m in got}) == 40


def test_a_broker_that_forgot_is_read_anew(broker):
    said = []
    log = kafka(broker.servers, said)
    log.create("clicks", 3)
    fill(log, 30)
    reader = log.read(dict.fromkeys(PLACES, 0))
    poll_until(reader, lambda got: len(got) == 30)
    broker.kill()
    poll_until(reader, lambda _: reader.away)
    broker.start()
    kafka(broker.servers).create("clicks", 3)
    fill(kafka(broker.servers), 6)
    got = poll_until(reader, lambda got: len({m.value for m in got}) == 6)
    reader.close()
    assert len(got) == 6
    assert any("was made anew" in sentence for sentence in said)


class Forgotten:
    """A producer that its brokers do not know any more, as when they come back without their log."""

    def _fail(self, *_args, **_more):
        raise KafkaException(KafkaError(KafkaError.UNKNOWN_PRODUCER_ID))

    poll = produce = flush = _fail


@pytest.mark.parametrize("way", [lambda writer: writer.send("clicks", b"1"), lambda writer: writer.flush()])
def test_a_writer_that_brokers_forgot_is_named(mock, monkeypatch, way):
    writer = kafka(mock.servers).write()
    monkeypatch.setattr(writer, "_producer", Forgotten())
    with pytest.raises(StreamError, match=r"of topic '(clicks)?' could not be stored at 127\.0\.0\.1:"):
        way(writer)
