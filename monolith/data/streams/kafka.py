"""Kafka behind the log's interface, by way of librdkafka.

Who reads what is decided here and not by the brokers: partitions are assigned, no group is joined, and the
group's offsets are written for those who watch and never read.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from monolith.core.errors import BrokersUnreachable, ConfigError, StreamError, TopicNotFound
from monolith.data.streams.log import Message, Offsets, Partition, Span, beginning

# Each attempt to connect would be a line on standard error: what matters, we tell.
log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())

Properties = Mapping[str, Any]
_READING = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",  # deleted messages are told, not jumped over
    "max.poll.interval.ms": 86_400_000,  # no group is joined, so nobody waits for us
    "socket.timeout.ms": 10_000,
    "max.partition.fetch.bytes": 128 << 10,  # of a backlog, take from all partitions in turn
}
_WRITING = {
    "enable.idempotence": True,
    "linger.ms": 5,
    "partitioner": "murmur2_random",  # keys go where those of Java's clients go
}
_PROBE_S = 1.0  # for one answer, while brokers are away
_LOOK_S = 0.05


class _Trouble:
    """What librdkafka last complained of. It is told in a call of ours, in the thread that polls."""

    def __init__(self) -> None:
        self.why = "no answer"
        self.all_down = False

    def __call__(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001  # how the library spells it
            self.all_down = True
        else:
            self.why = error.str()


def _made(kind: Callable[..., Any], wanted: Properties, trouble: _Trouble) -> Any:
    try:
        return kind({**wanted, "error_cb": trouble}, logger=log)
    except (KafkaException, TypeError, ValueError) as exc:
        said = exc.args[0].str() if isinstance(exc, KafkaException) else str(exc)
        raise ConfigError([f"kafka_config: {said}"]) from exc


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
        self._trouble = _Trouble()
        self._asker = self.consumer(self._trouble)

    def consumer(self, trouble: _Trouble) -> Any:
        return _made(Consumer, {**_READING, **self._properties}, trouble)

    def partitions(self, topic: str) -> int:
        return self._count(self._asker, topic)

    def _count(self, client: Any, topic: str) -> int:
        found = self._asked(lambda: client.list_topics(topic, timeout=self._timeout_s)).topics[topic]
        if found.error is None:
            return len(found.partitions)
        if found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise TopicNotFound(topic, self.servers)
        raise StreamError(f"topic {topic!r} at {self.servers}: {found.error.str()}", topic=topic)

    def span(self, partition: Partition) -> Span:
        place = TopicPartition(*partition)
        return Span(*self._asked(lambda: self._asker.get_watermark_offsets(place, timeout=self._timeout_s)))

    def create(self, topic: str, partitions: int) -> None:
        """Make `topic`, unless it is there already."""
        # Clients of their own: a reader that has heard that there is no such topic believes it for a while,
        # and an admin that asks for it makes it, with as many partitions as the brokers like.
        asker, admin = self.consumer(self._trouble), _made(AdminClient, self._common(), self._trouble)
        try:
            self._count(asker, topic)
        except TopicNotFound:
            made = admin.create_topics([NewTopic(topic, partitions)], operation_timeout=self._timeout_s)
            self._asked(lambda: made[topic].result(self._timeout_s))
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
        wanted = {**_WRITING, "message.timeout.ms": int(self._timeout_s * 1000), **self._common()}
        return KafkaWriter(self.servers, wanted, self._timeout_s)

    def _common(self) -> Properties:
        """Properties that have a meaning without reading."""
        return {key: value for key, value in self._properties.items() if key != "group.id"}

    def _asked(self, ask: Callable[[], Any]) -> Any:
        """What the brokers answer, or an error that says who did not and why."""
        try:
            return ask()
        except (KafkaException, TimeoutError) as exc:
            self._asker.poll(0)  # hear the reason
            raise BrokersUnreachable(self.servers, self._timeout_s, self._trouble.why) from exc


class KafkaReader:
    """Reads assigned partitions. Brokers may be away for the log's `patience_s`; librdkafka tries on."""

    def __init__(self, of: KafkaLog, offsets: Offsets) -> None:
        self._of = of
        self._topics = sorted({partition.topic for partition in offsets})
        self._next = dict(offsets)
        self._trouble = _Trouble()
        self._consumer = of.consumer(self._trouble)
        self._consumer.assign([TopicPartition(*place, offset) for place, offset in offsets.items()])
        self._away_since: float | None = None
        self._closed = False

    @property
    def away(self) -> bool:
        return self._away_since is not None

    def poll(self, most: int, seconds: float) -> Sequence[Message]:
        messages = []
        for one in self._consumer.consume(most, seconds):
            if (error := one.error()) is None:
                messages.append(_message(one))
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001
                self._find_again(Partition(one.topic(), one.partition()))
            else:
                self._trouble.why, self._trouble.all_down = error.str(), True
        self._next |= {message.partition: message.offset + 1 for message in messages}
        if messages:
            self._back()
        elif self._trouble.all_down:
            self._wait()
        else:
            self._look_at_ends()
        return messages

    def commit(self, offsets: Offsets) -> None:
        if self._closed:
            return
        places = [TopicPartition(*place, offset) for place, offset in offsets.items()]
        try:
            self._consumer.commit(offsets=places, asynchronous=True)
        except KafkaException as exc:
            log.warning("offsets were not committed: %s", exc.args[0].str())

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._consumer.close()

    def _look_at_ends(self) -> None:
        """Nothing came. Not every broker says so when it is because our offset is beyond the end."""
        for partition, offset in self._next.items():
            _, end = self._consumer.get_watermark_offsets(TopicPartition(*partition), cached=True)
            if 0 <= end < offset:
                self._find_again(partition)

    def _find_again(self, partition: Partition) -> None:
        """There is no message at our offset, and none will come."""
        known, span = self._next[partition], self._of.span(partition)
        offset = beginning(partition, known, span, self._of.say)
        if offset == known:
            offset = span.begin
            self._of.say(
                f"{partition} ends before offset {known}: it was made anew, and is read from its beginning"
            )
        self._next[partition] = offset
        # A seek is refused: librdkafka has stopped to fetch this partition.
        self._consumer.incremental_unassign([TopicPartition(*partition)])
        self._consumer.incremental_assign([TopicPartition(*partition, offset)])

    def _wait(self) -> None:
        """See whether the brokers are back; say when they go and come, and bound the time between."""
        now = self._of.timer()
        if self._away_since is None:
            self._away_since = now
            self._of.say(
                f"the Kafka brokers at {self._of.servers} are away ({self._trouble.why}): trying on for "
                f"{self._of.patience_s:.0f} s"
            )
        elif self._answer():
            self._back()
        elif now - self._away_since > self._of.patience_s:
            raise BrokersUnreachable(self._of.servers, self._of.patience_s, self._trouble.why)

    def _answer(self) -> bool:
        try:
            return all(
                self._consumer.list_topics(topic, timeout=_PROBE_S).topics[topic].error is None
                for topic in self._topics
            )
        except KafkaException:
            return False

    def _back(self) -> None:
        self._trouble.all_down = False
        if self._away_since is not None:
            self._of.say(f"the Kafka brokers are back after {self._of.timer() - self._away_since:.1f} s")
            self._away_since = None


class KafkaWriter:
    """Writes messages, each stored once and by all replicas that are in sync."""

    def __init__(self, servers: str, properties: Properties, timeout_s: float) -> None:
        self._servers = servers
        self._timeout_s = timeout_s
        self._trouble = _Trouble()
        self._producer = _made(Producer, properties, self._trouble)
        self._failed: KafkaError | None = None

    def send(
        self, topic: str, value: bytes, *, key: bytes | None = None, timestamp_ms: int | None = None
    ) -> None:
        """Hand one over; waits while too many are on their way.

        Raises:
            StreamError: an earlier one could not be stored.
        """
        stamp = timestamp_ms or 0  # 0 is now
        while True:
            self._producer.poll(0)
            self._check()
            try:
                self._producer.produce(topic, value, key, on_delivery=self._delivered, timestamp=stamp)
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def flush(self) -> None:
        left = self._producer.flush(self._timeout_s + 1)
        self._check()
        if left:
            raise BrokersUnreachable(self._servers, self._timeout_s, self._trouble.why)

    def _delivered(self, error: KafkaError | None, _message: Any) -> None:
        self._failed = self._failed or error

    def _check(self) -> None:
        if self._failed is None:
            return
        if self._failed.code() == KafkaError._MSG_TIMED_OUT:  # noqa: SLF001
            raise BrokersUnreachable(self._servers, self._timeout_s, self._trouble.why)
        raise StreamError(f"a message could not be stored at {self._servers}: {self._failed.str()}")


def _message(one: Any) -> Message:
    kind, stamp = one.timestamp()
    partition = Partition(one.topic(), one.partition())
    return Message(partition, one.offset(), one.value(), one.key(), stamp if kind and stamp >= 0 else None)
