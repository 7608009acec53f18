"""A log in memory: what Kafka does, without its brokers. Safe from several threads."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import xxhash

from monolith.core.errors import TopicNotFound
from monolith.data.streams.log import Message, Offsets, Partition, Span


class MemoryLog:
    """Topics with a fixed number of partitions each. Also the `Writer` of itself."""

    def __init__(self, topics: Mapping[str, int]) -> None:
        self._changed = threading.Condition()
        self._counts = dict(topics)
        self._held: dict[Partition, list[Message]] = {
            Partition(topic, number): [] for topic, count in topics.items() for number in range(count)
        }
        self._begins = dict.fromkeys(self._held, 0)
        self.committed: dict[Partition, int] = {}
        self.count = 0

    def partitions(self, topic: str) -> int:
        if topic not in self._counts:
            raise TopicNotFound(topic, "the log in memory")
        return self._counts[topic]

    def span(self, partition: Partition) -> Span:
        return Span(self._begins[partition], len(self._held[partition]))

    def within(self, _seconds: float) -> MemoryLog:
        return self

    def read(self, offsets: Offsets) -> MemoryReader:
        return MemoryReader(self, offsets)

    def write(self) -> MemoryLog:
        return self

    def send(
        self, topic: str, value: bytes | None, *, key: bytes | None = None, timestamp_ms: int | None = None
    ) -> None:
        with self._changed:
            place = Partition(topic, xxhash.xxh32_intdigest(key or b"") % self.partitions(topic))
            held = self._held[place]
            held.append(Message(place, len(held), value, key, timestamp_ms))
            self.count += 1
            self._changed.notify_all()

    def stored(self, _seconds: float) -> bool:
        return True

    def flush(self) -> None:
        """All is stored already."""

    def forget(self, partition: Partition, before: int) -> None:
        """Delete the messages of `partition` before an offset, as a broker does with old ones."""
        self._begins[partition] = before

    def wait(self, most: int, seconds: float, offsets: dict[Partition, int]) -> Sequence[Message]:
        """What `Reader.poll` says; moves `offsets` on."""
        with self._changed:
            self._changed.wait_for(lambda: self.ready(offsets) >= most, seconds)
            found: list[Message] = []
            for partition, next_ in offsets.items():
                offset = self._within(partition, next_)
                new = self._held[partition][offset : offset + most - len(found)]
                offsets[partition] = offset + len(new)
                found += new
            return found

    def _within(self, partition: Partition, offset: int) -> int:
        return offset if offset <= len(self._held[partition]) else self._begins[partition]

    def ready(self, offsets: Offsets) -> int:
        """How many messages there are from these offsets on."""
        return sum(len(self._held[at]) - self._within(at, offset) for at, offset in offsets.items())


class MemoryReader:
    """Reads a `MemoryLog`."""

    away = False

    def __init__(self, log: MemoryLog, offsets: Offsets) -> None:
        self._log = log
        self._next = dict(offsets)

    @property
    def ended(self) -> Offsets:
        return {place: at for place, at in self._next.items() if not self._log.ready({place: at})}

    def poll(self, most: int, seconds: float) -> Sequence[Message]:
        return self._log.wait(most, seconds, self._next)

    def commit(self, offsets: Offsets) -> None:
        self._log.committed |= offsets

    def close(self) -> None:
        """Nothing is held."""
