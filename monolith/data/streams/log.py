"""A log, as Kafka keeps one: topics of partitions of messages, each message at an offset of its own.

What reads and writes streams knows only this; Kafka is behind it, or a list in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol


class Partition(NamedTuple):
    """Messages in order. As text `topic/number`: no topic has a slash in its name."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.number}"


class Message(NamedTuple):
    """One message; None is what it does not have."""

    partition: Partition
    offset: int
    value: bytes | None
    key: bytes | None = None
    timestamp_ms: int | None = None  # since 1970


class Span(NamedTuple):
    """The offsets that can be read now: `begin` to `end` - 1. Older ones were deleted."""

    begin: int
    end: int


Offsets = Mapping[Partition, int]  # of each partition, the offset of the next message
ASIDE_S = 5.0  # who reads waits so long for the answer to a question beside it


class Reader(Protocol):
    """Reads some partitions on and on. One thread may poll while another commits."""

    @property
    def away(self) -> bool:
        """Whether something cannot come just now: then silence says nothing about the stream."""

    @property
    def ended(self) -> Offsets:
        """The partitions of which the reader has seen that nothing followed the last message, and where.

        That is behind the last message, or further: the end of a transaction has an offset of its own.
        """

    def poll(self, most: int, seconds: float) -> Sequence[Message]:
        """Up to `most` messages as soon as there are so many, or else what came within `seconds`.

        Those of one partition come in the order of their offsets. A partition that ends before the offset to
        read next was made anew, and is read from its beginning.

        Raises:
            StreamError: the brokers were away for too long.
        """

    def commit(self, offsets: Offsets) -> None:
        """Tell who watches the log how far this reader is. Nothing depends on it."""

    def close(self) -> None: ...


class Writer(Protocol):
    """Appends messages; those with the same key go to the same partition. `count` are known to be stored."""

    count: int

    def send(
        self, topic: str, value: bytes, *, key: bytes | None = None, timestamp_ms: int | None = None
    ) -> None: ...

    def stored(self, seconds: float) -> bool:
        """Whether all that was sent is stored, or was within `seconds`.

        Raises:
            StreamError: a message could not be stored, or not for as long as the log is patient.
        """

    def flush(self) -> None:
        """Wait until all that was sent is stored.

        Raises:
            StreamError: a message could not be stored.
        """


class Log(Protocol):
    """Topics that can be read and written."""

    def partitions(self, topic: str) -> int:
        """How many partitions `topic` has.

        Raises:
            TopicNotFound, BrokersUnreachable: within a bounded time.
        """

    def span(self, partition: Partition) -> Span:
        """What `partition` holds. Raises BrokersUnreachable."""

    def within(self, seconds: float) -> Log:
        """The same log; an answer is awaited for so long at most."""

    def read(self, offsets: Offsets) -> Reader:
        """A reader of the partitions in `offsets`, from there on."""

    def write(self) -> Writer: ...


def share(log: Log, topics: Sequence[str], worker: int, num_workers: int) -> list[Partition]:
    """The partitions that are `worker`'s: every one belongs to one worker, today and after a restart.

    Which one depends on nothing but the partition's number and the place of its topic in `topics`: a topic
    that grows moves no partition that is already there.
    """
    return [
        Partition(topic, number)
        for place, topic in enumerate(topics)
        for number in range(log.partitions(topic))
        if (place + number) % num_workers == worker
    ]


def beginning(partition: Partition, known: int | None, span: Span, say: Callable[[str], None]) -> int:
    """Where to read `partition` from, of which `known` is next and `span` is there; what is lost is said.

    An offset beyond the end is left to the reader, who finds out whether the end is where `span` says.
    """
    if known is None:
        return span.begin
    if known < span.begin:
        say(f"{partition}: {span.begin - known} messages were deleted before they were read")
    return max(known, span.begin)


def at_end(log: Log, partition: Partition, ended: Offsets) -> bool:
    """Whether nothing is left in `partition`, of which a reader says in `ended` what it has seen.

    Some brokers tell an end that is too low: the reader must have seen it, too. What the reader has seen may
    be long ago: the log is asked, too.

    Raises:
        BrokersUnreachable: they do not say.
    """
    return partition in ended and log.span(partition).end <= ended[partition]


def as_text(offsets: Iterable[tuple[Partition, int]]) -> dict[str, int]:
    """Offsets as a checkpoint holds them."""
    return {str(partition): offset for partition, offset in offsets}
