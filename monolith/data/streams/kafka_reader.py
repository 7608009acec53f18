"""Reads assigned partitions of a Kafka cluster, and bears that brokers go away and forget."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from monolith.core.errors import BrokersUnreachable
from monolith.data.streams.kafka_client import Trouble, log
from monolith.data.streams.kafka_links import EVERY_S, Links
from monolith.data.streams.log import Message, Offsets, Partition, Span, beginning

if TYPE_CHECKING:
    from monolith.data.streams.kafka import KafkaLog

_PROBE_S = 1.0  # for one answer, while brokers are away
CLOSE_S = 5.0  # for brokers to take the offsets that were committed last


class KafkaReader:
    """Reads assigned partitions. Brokers may be away for the log's `patience_s`; librdkafka tries on."""

    def __init__(self, of: KafkaLog, offsets: Offsets) -> None:
        self._of = of
        self._topics = sorted({partition.topic for partition in offsets})
        self._next = dict(offsets)
        self._trouble = Trouble()
        self._links = Links(of.say)
        looks: dict[str, Any] = {"statistics.interval.ms": int(EVERY_S * 1000), "stats_cb": self._heed}
        self._consumer = of.consumer(self._trouble, **looks)
        self._consumer.assign([TopicPartition(*place, offset) for place, offset in offsets.items()])
        self._away_since: float | None = None
        self._closed = False
        self._lost: dict[Partition, bool] = {}  # where to read these is to be found; True: a broker said so
        self.ended: dict[Partition, int] = {}

    @property
    def away(self) -> bool:
        return self._away_since is not None

    def poll(self, most: int, seconds: float) -> Sequence[Message]:
        messages: list[Message] = []
        for one in self._consumer.consume(most, seconds):
            if (error := one.error()) is None:
                messages.append(_message(one))
                self.ended.pop(messages[-1].partition, None)
                self._lost.pop(messages[-1].partition, None)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                self.ended[Partition(one.topic(), one.partition())] = one.offset()
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001
                self._lost[Partition(one.topic(), one.partition())] = True
            else:
                self._trouble.why, self._trouble.all_down = error.str(), True
        self._next |= {message.partition: message.offset + 1 for message in messages}
        if not messages and not self._trouble.all_down:
            self._look_at_ends()
        self._find_lost()
        if messages and not self._lost:
            self._back()
        elif self._trouble.all_down:
            self._wait()
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
        """Wait for brokers to take the last offsets, but not for ever, as librdkafka would."""
        if not self._closed:
            self._closed = True
            closing = threading.Thread(target=self._consumer.close, name="close of a reader", daemon=True)
            closing.start()
            closing.join(CLOSE_S)

    def _heed(self, statistics: str) -> None:
        if not self.away:  # that is told already, and of all
            self._links.heed(statistics)

    def _look_at_ends(self) -> None:
        """Nothing came. Not every broker says so when it is because our offset is beyond the end."""
        for partition, offset in self._next.items():
            _, end = self._consumer.get_watermark_offsets(TopicPartition(*partition), cached=True)
            if 0 <= end < offset:
                self._lost.setdefault(partition, False)  # after a jump, the end may be one of before

    def _find_lost(self) -> None:
        """Without an answer, brokers are as good as away, and asked again in the next poll."""
        try:
            for partition, said in sorted(self._lost.items()):
                span = self._of.within(_PROBE_S).span(partition)
                if said or span.end < self._next[partition]:
                    self._find_again(partition, span)
                del self._lost[partition]
        except BrokersUnreachable:
            self._trouble.all_down = True

    def _find_again(self, partition: Partition, span: Span) -> None:
        """Nothing came from our offset: it was deleted, is beyond the end, or is there after all."""
        known = self._next[partition]
        offset = beginning(partition, known, span, self._of.say)
        if known > span.end:
            offset = span.begin
            self._of.say(
                f"{partition} ends before offset {known}: it was made anew, and is read from its beginning"
            )
        self._next[partition] = offset
        self.ended.pop(partition, None)
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
        elif not self._lost and self._answer():
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


def _message(one: Any) -> Message:
    kind, stamp = one.timestamp()
    partition = Partition(one.topic(), one.partition())
    return Message(partition, one.offset(), one.value(), one.key(), stamp if kind and stamp >= 0 else None)
