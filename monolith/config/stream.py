"""Training on a stream: where its messages are, what they are, and when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import attrs

from monolith.config.checks import not_negative, positive
from monolith.config.settings import Problem, Settings, one_of_them, setting


class MessageFormat(StrEnum):
    """What a message is."""

    EXAMPLE = "example"  # a serialized Example: one row
    EXAMPLE_BATCH = "example-batch"  # a serialized ExampleBatch: many rows
    JSON = "json"  # an object: one row, raw values by the schema's columns


class StreamStart(StrEnum):
    """Where a partition is read from that no checkpoint knows."""

    EARLIEST = "earliest"
    LATEST = "latest"


@attrs.frozen(kw_only=True, slots=False)
class KafkaConfig(Settings):
    """The way to a Kafka cluster."""

    # fmt: off
    kafka_servers: str | None = setting(None, "Kafka's brokers, host:port,host:port.", group="stream")
    kafka_config: tuple[str, ...] = setting((), "Property of librdkafka, key=value; key=@FILE reads it from "
                                            "a file, as for passwords.", group="stream")
    kafka_timeout_secs: float = setting(30.0, "How long brokers may be unreachable at the start, and "
                                        "messages of data produce wait to be stored.", group="stream",
                                        check=positive)
    # fmt: on

    def rules(self) -> Iterator[Problem]:
        for pair in self.kafka_config:
            if not pair.partition("=")[0] or "=" not in pair:
                key = pair.partition("=")[0]
                yield Problem(("kafka_config",), f"must be key=value, as {key!r} is not")


@attrs.frozen(kw_only=True, slots=False)
class StreamConfig(KafkaConfig):
    """With topics, training reads these and not the training split of its dataset."""

    # fmt: off
    kafka_topics: str | None = setting(None, "Train on the messages of these topics, with commas between, "
                                       "and not on the dataset's training split.", group="stream")
    message_format: MessageFormat = setting(MessageFormat.EXAMPLE, "example, example-batch or json.",
                                            group="stream", converter=one_of_them(MessageFormat))
    kafka_group: str = setting("monolith", "Consumer group under which Kafka shows how far training is; "
                               "what counts is in the checkpoint.", group="stream")
    kafka_patience_secs: float = setting(300.0, "How long all brokers may be away while it trains.",
                                         group="stream", check=positive)
    stream_start: StreamStart = setting(StreamStart.EARLIEST, "Where to begin what no checkpoint knows: "
                                        "earliest or latest.", group="stream",
                                        converter=one_of_them(StreamStart))
    stream_timeout_ms: int = setting(-1, "End after so long without a message, but not before the poll "
                                     "timeout; -1: never.", group="stream")
    stream_poll_timeout_ms: int = setting(10_000, "The shortest silence that is an end.", group="stream",
                                          check=positive)
    stream_batch_wait_ms: int = setting(500, "How long a message may wait for its batch to fill.",
                                        group="stream", check=positive)
    stream_max_ahead_secs: float = setting(3_600.0, "Messages of an event time that is further in the future "
                                           "are set aside.", group="stream", check=not_negative)
    stream_needs_key: bool = setting(False, "Set messages without a key aside.", group="stream")
    # fmt: on

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.kafka_topics or "").replace(" ", "").split(",")))

    @property
    def silence_s(self) -> float | None:
        """How long nothing must come for the stream to be over; None: it never is."""
        if self.stream_timeout_ms < 0:
            return None
        return max(self.stream_timeout_ms, self.stream_poll_timeout_ms) / 1000

    def rules(self) -> Iterator[Problem]:
        yield from KafkaConfig.rules(self)
        if self.topics and not self.kafka_servers:
            yield Problem(("kafka_servers", "kafka_topics"), "topics are somewhere: give the servers too")
        if self.kafka_servers and not self.topics:
            yield Problem(("kafka_topics", "kafka_servers"), "must name a topic of these servers")
        if len(set(self.topics)) < len(self.topics):
            yield Problem(("kafka_topics",), "a topic stands there twice")
