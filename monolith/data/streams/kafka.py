"""Kafka behind the log's interface, by way of librdkafka.

Who reads what is decided here and not by the brokers: partitions are assigned, no group is joined, and the
group's offsets are written for those who watch and never read.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from monolith.core.errors import BrokersUnreachable, StreamError, TopicNotFound
from monolith.data.streams.kafka_client import Properties, Trouble, made
from monolith.data.streams.kafka_reader import KafkaReader
from monolith.data.streams.kafka_writer import KafkaWriter
from monolith.data.streams.log import Offsets, Partition, Span

_READING = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,  # an answer without messages is told
    "auto.offset.reset": "error",  # deleted messages are told, not jumped over
    "max.poll.interval.ms": 86_400_000,  # no group is joined, so nobody waits for us
    "socket.timeout.ms": 10_000,
    "max.partition.fetch.bytes": 128 << 10,  # of a backlog, take from all partitions in turn
}
_LOOK_S = 0.05


class KafkaLog:
    """The topics of one cluster. `properties` are librdkafka's.

    Raises:
        ConfigError: librdkafka does not know a property, or not the value.
    """

    def __init__(
        self,
        properties: Properties,
        say: Callable[[str], None],
        *,
        timeout_s: float = 30.0,
        patience_s: float = 300.0,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.servers = str(properties["bootstrap.servers"])
        self.say = say
        self.timer = timer
        self.patience_s = patience_s
        self._properties = properties
        self._timeout_s = timeout_s
        self._trouble = Trouble()
        self._asker = self.consumer(self._trouble)

    def consumer(self, trouble: Trouble, **more: Any) -> Any:
        return made(Consumer, {**_READING, **more, **self._properties}, trouble)

    def partitions(self, topic: str) -> int:
        return self._count(self._asker, topic)

    def _count(self, client: Any, topic: str) -> int:
        found = self._asked(topic, lambda left: _described(client, topic, left))
        if found.error is None:
            return len(found.partitions)
        if found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise TopicNotFound(topic, self.servers)
        raise StreamError(f"topic {topic!r} at {self.servers}: {found.error.str()}", topic=topic)

    def span(self, partition: Partition) -> Span:
        place = TopicPartition(*partition)
        ask = self._asker.get_watermark_offsets
        return Span(*self._asked(str(partition), lambda left: ask(place, timeout=left)))

    def within(self, seconds: float) -> KafkaLog:
        nearer = copy.copy(self)  # with the same client, which knows the brokers already
        nearer._timeout_s = min(seconds, self._timeout_s)  # noqa: SLF001  # of the same class
        return nearer

    def create(self, topic: str, partitions: int) -> None:
        """Make `topic`, unless it is there already."""
        # Clients of their own: a reader that has heard that there is no such topic believes it for a while,
        # and an admin that asks for it makes it, with as many partitions as the brokers like.
        asker, admin = self.consumer(self._trouble), made(AdminClient, self._common(), self._trouble)
        try:
            self._count(asker, topic)
        except TopicNotFound:
            asked = admin.create_topics([NewTopic(topic, partitions)], operation_timeout=self._timeout_s)
            self._asked(topic, lambda left: _there(topic, asked[topic], left))
            self._until_known(asker, topic)
        finally:
            asker.close()

    def _until_known(self, client: Any, topic: str) -> None:
        """Brokers tell each other of a new topic after they have told us."""
        patience = self.timer() + self._timeout_s
        while True:
            try:
                self._count(client, topic)
            except TopicNotFound:
                if self.timer() > patience:
                    raise
                time.sleep(_LOOK_S)
            else:
                return

    def read(self, offsets: Offsets) -> KafkaReader:
        return KafkaReader(self, offsets)

    def write(self) -> KafkaWriter:
        return KafkaWriter(self.servers, self._common(), self.patience_s)

    def _common(self) -> Properties:
        """Properties that have a meaning without reading."""
        return {key: value for key, value in self._properties.items() if key != "group.id"}

    def _asked(self, about: str, ask: Callable[[float], Any]) -> Any:
        """What the brokers answer in time, or an error that says who did not and why.

        While a partition's broker is away, the others say at once that they do not know it.
        """
        until = self.timer() + self._timeout_s
        while True:
            try:
                return ask(max(until - self.timer(), _LOOK_S))
            except (KafkaException, TimeoutError) as exc:
                self._asker.poll(0)  # hear the reason
                if self.timer() >= until:
                    why = f"{about}: {_answer(exc) or self._trouble.why}"
                    raise BrokersUnreachable(self.servers, self._timeout_s, why) from exc
            time.sleep(_LOOK_S)


def _described(client: Any, topic: str, timeout_s: float) -> Any:
    """What brokers tell of a topic; KafkaException while its first leaders are being elected."""
    found = client.list_topics(topic, timeout=timeout_s).topics[topic]
    if found.error and found.error.code() == KafkaError.LEADER_NOT_AVAILABLE:
        raise KafkaException(found.error)
    return found


def _answer(exc: Exception) -> str:
    """What a broker said; nothing, if librdkafka only says that it heard nothing."""
    error = exc.args[0] if isinstance(exc, KafkaException) else None
    return str(error.str()) if error and error.code() > 0 else ""


def _there(topic: str, made: Any, timeout_s: float) -> None:
    """Wait until a topic that is being made is there; another may have made it meanwhile.

    Raises:
        StreamError: brokers refuse to make it.
    """
    try:
        made.result(timeout_s)
    except KafkaException as exc:
        if exc.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise StreamError(f"topic {topic!r} could not be made: {exc.args[0].str()}", topic=topic) from exc
