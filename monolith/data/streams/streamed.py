"""A dataset whose training split is a stream: with it, a batch job becomes a stream job."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import attrs

from monolith.config.stream import StreamConfig, StreamStart
from monolith.core.schema import Schema
from monolith.data.reading import Batches, Bookmark, Reading, Source
from monolith.data.streams.batches import Flow, NoBatches, StreamBatches
from monolith.data.streams.cluster import kafka_log
from monolith.data.streams.dead_letters import DeadLetters
from monolith.data.streams.decoding import Decoder
from monolith.data.streams.growth import GrowthTold
from monolith.data.streams.log import Log, Partition, beginning, share
from monolith.data.streams.silence import Silence

STREAMED = "train"  # the split that the stream takes the place of


def redirected(dataset: Source, config: StreamConfig, folder: Path, say: Callable[[str], None]) -> Source:
    """`dataset`, or where `config` names topics, the same with their messages to train on.

    Raises:
        MissingExtra: confluent-kafka is not installed.
        ConfigError: librdkafka does not know a property.
    """
    if not config.topics:
        return dataset
    log = kafka_log(config, say, config.kafka_group, config.kafka_patience_secs)
    return Streamed(dataset=dataset, log=log, config=config, folder=folder, say=say)


@attrs.frozen(kw_only=True)
class Streamed:
    """`dataset`, but for its training split: that is the messages of `log`, which `config` describes."""

    dataset: Source
    log: Log
    config: StreamConfig
    folder: Path  # of what cannot be learned from, a file a worker
    say: Callable[[str], None]
    clock: Callable[[], float] = time.time
    timer: Callable[[], float] = time.monotonic

    @property
    def schema(self) -> Schema:
        return self.dataset.schema

    def rows(self, split: str) -> int:
        """How many rows `split` of the dataset has."""
        return self.dataset.rows(split)

    def batches(self, reading: Reading) -> Batches:
        """The share of one worker in the stream, or what `reading` asks of the dataset.

        Raises:
            TopicNotFound, BrokersUnreachable: within a bounded time.
        """
        if reading.split != STREAMED:
            return self.dataset.batches(reading)
        elsewhere = self._elsewhere(reading)
        mine = share(self.log, self.config.topics, reading.worker, reading.num_workers)
        if not mine:
            self.say(
                f"worker-{reading.worker} has nothing to read: {', '.join(self.config.topics)} have fewer "
                f"partitions than there are workers"
            )
            return NoBatches(elsewhere)
        offsets = {partition: self._begin(partition, reading) for partition in mine}
        reader = self.log.read(offsets)
        if reading.worker == 0:  # one of them says it
            reader = GrowthTold(reader, self.log, self.config.topics, self.say, self.timer)
        dead = DeadLetters(self.folder / f"worker-{reading.worker}.jsonl", self.say)
        silence = Silence(reader, self.log, mine, self.config.silence_s, self.say)
        flow = self._flow(reading.batch_size, silence)
        return StreamBatches(reader, offsets, self._decoder(), dead, flow, elsewhere)

    def _elsewhere(self, reading: Reading) -> Bookmark:
        """What this stream leaves alone: the dataset, and topics that it does not read."""
        others = {
            name: offset
            for name, offset in reading.offsets.items()
            if name.rpartition("/")[0] not in self.config.topics
        }
        return Bookmark(position=reading.start, offsets=others)

    def _begin(self, partition: Partition, reading: Reading) -> int:
        """Where to go on in `partition`, or to begin."""
        span = self.log.span(partition)
        if self.config.stream_start is StreamStart.LATEST and not reading.offsets:
            return span.end
        # Of a stream that was read before, a partition that is new is read whole.
        return beginning(partition, reading.offsets.get(str(partition)), span, self.say)

    def _decoder(self) -> Decoder:
        return Decoder(
            schema=self.schema,
            format=self.config.message_format,
            needs_key=self.config.stream_needs_key,
            max_ahead_s=self.config.stream_max_ahead_secs,
            clock=self.clock,
        )

    def _flow(self, batch_size: int, silence: Silence) -> Flow:
        return Flow(
            batch_size=batch_size,
            wait_s=self.config.stream_batch_wait_ms / 1000,
            silence=silence,
            timer=self.timer,
        )
