"""Questions to brokers of which one is away for a moment."""

import math
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException

from monolith.core.errors import BrokersUnreachable, StreamError
from monolith.data.streams import kafka, kafka_writer
from monolith.data.streams.kafka import KafkaLog
from monolith.data.streams.log import Partition, Span
from tests.unit.data.streams.conftest import Ticking


class Electing:
    """A client of brokers that have no leader of a partition for so many questions."""

    def __init__(self, questions, error=KafkaError._UNKNOWN_PARTITION):
        self.left, self.error = questions, error

    def get_watermark_offsets(self, _place, timeout):
        if self._elects():
            raise KafkaException(KafkaError(self.error))
        return 3, 9

    def list_topics(self, topic, timeout):
        error = KafkaError(KafkaError.LEADER_NOT_AVAILABLE) if self._elects() else None
        return SimpleNamespace(topics={topic: SimpleNamespace(error=error, partitions=[0, 1])})

    def _elects(self):
        self.left -= 1
        return self.left >= 0

    def poll(self, _seconds):
        """Nobody complains."""


@pytest.fixture
def log(monkeypatch):
    monkeypatch.setattr(kafka, "_LOOK_S", 0.0)
    return KafkaLog(
        {"bootstrap.servers": "127.0.0.1:1", "group.id": "g"}, print, timeout_s=10.0, timer=Ticking(1.0)
    )


def test_who_has_no_leader_for_a_moment_is_asked_again(log, monkeypatch):
    monkeypatch.setattr(log, "_asker", Electing(3))
    assert log.span(Partition("clicks", 1)) == Span(3, 9)
    monkeypatch.setattr(log, "_asker", Electing(3))
    assert log.partitions("clicks") == 2


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (KafkaError._UNKNOWN_PARTITION, "no answer"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "Broker: Topic authorization failed"),
    ],
)
def test_the_partition_without_answer_is_named(log, monkeypatch, error, why):
    monkeypatch.setattr(log, "_asker", Electing(99, error))
    with pytest.raises(BrokersUnreachable, match=rf"127\.0\.0\.1:1 within 10 s \(clicks/1: {why}\)"):
        log.span(Partition("clicks", 1))


class Refused:
    """A topic that brokers do not make."""

    def result(self, _seconds):
        raise KafkaException(KafkaError(KafkaError.INVALID_PARTITIONS))


def test_a_topic_that_cannot_be_made_is_named():
    with pytest.raises(StreamError, match="topic 'clicks' could not be made: Broker: Invalid number of"):
        kafka._there("clicks", Refused(), 1.0)


@pytest.mark.parametrize(
    ("patience_s", "timeout_ms"),
    [(300.0, 300_000), (0.0001, 1), (4_294_967.296, 2**31 - 1), (math.inf, 2**31 - 1)],
)
def test_messages_wait_as_long_as_the_log_is_patient(monkeypatch, patience_s, timeout_ms):
    wanted = []
    monkeypatch.setattr(kafka_writer, "made", lambda _kind, properties, _trouble: wanted.append(properties))
    kafka_writer.KafkaWriter("h:1", {}, patience_s)
    assert wanted[0]["message.timeout.ms"] == timeout_ms
