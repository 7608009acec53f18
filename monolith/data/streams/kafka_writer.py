"""Writes messages into a Kafka cluster, each stored once and by all replicas that are in sync."""

from __future__ import annotations

import math
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from monolith.core.errors import BrokersUnreachable, StreamError
from monolith.data.streams.kafka_client import Properties, Trouble, made

_WRITING = {
    "enable.idempotence": True,
    "linger.ms": 5,
    "partitioner": "murmur2_random",  # keys go where those of Java's clients go
}
_LONGEST_MS = 2**31 - 1  # librdkafka takes no more, and 0 for ever


class KafkaWriter:
    """As `Writer` promises. `properties` are librdkafka's; brokers may be away for `patience_s`."""

    def __init__(self, servers: str, properties: Properties, patience_s: float) -> None:
        self._servers = servers
        self._patience_s = patience_s
        self._trouble = Trouble()
        timeout = math.ceil(min(patience_s * 1000, _LONGEST_MS))
        wanted = {**_WRITING, "message.timeout.ms": timeout, **properties}
        self._producer = made(Producer, wanted, self._trouble)
        self._topic = ""  # of the message that was handed over last
        self._failed: tuple[KafkaError, str] | None = None  # the first one, and its topic
        self.count = 0

    def send(
        self, topic: str, value: bytes, *, key: bytes | None = None, timestamp_ms: int | None = None
    ) -> None:
        """Hand one over; waits while too many are on their way.

        Raises:
            StreamError: an earlier one could not be stored.
        """
        self._topic = topic
        try:
            self._send(topic, value, key, timestamp_ms or 0)  # 0 is now
        except KafkaException as exc:  # the brokers do not know this writer any more
            raise self._not_stored(exc.args[0], topic) from exc

    def _send(self, topic: str, value: bytes, key: bytes | None, stamp: int) -> None:
        while True:
            self._producer.poll(0)
            self._check()
            try:
                self._producer.produce(topic, value, key, on_delivery=self._delivered, timestamp=stamp)
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def stored(self, seconds: float) -> bool:
        try:
            left = self._producer.flush(seconds)
        except KafkaException as exc:
            raise self._not_stored(exc.args[0], self._topic) from exc
        self._check()
        return not left

    def flush(self) -> None:
        if not self.stored(self._patience_s + 1):
            raise BrokersUnreachable(self._servers, self._patience_s, self._trouble.why)

    def _delivered(self, error: KafkaError | None, message: Any) -> None:
        if error is not None:
            self._failed = self._failed or (error, message.topic())
        self.count += error is None

    def _check(self) -> None:
        if self._failed is None:
            return
        error, topic = self._failed
        if error.code() == KafkaError._MSG_TIMED_OUT:  # noqa: SLF001
            raise BrokersUnreachable(self._servers, self._patience_s, self._trouble.why)
        raise self._not_stored(error, topic)

    def _not_stored(self, error: KafkaError, topic: str) -> StreamError:
        why = f"a message of topic {topic!r} could not be stored at {self._servers}: {error.str()}"
        return StreamError(why, topic=topic)
