"""`monolith data produce`: a dataset replayed into a topic."""

from __future__ import annotations

import time
from pathlib import Path

import attrs

from monolith.cli.command import Command, Report, Ui
from monolith.config.checks import given, not_negative, one_of
from monolith.config.settings import setting
from monolith.config.stream import KafkaConfig
from monolith.data.dataset import SPLITS, Dataset


@attrs.frozen(kw_only=True)
class ProduceSettings(KafkaConfig):
    """Which rows, where to, and how fast."""

    # fmt: off
    data: Path | None = setting(None, "Folder of the dataset.", check=given, positional=True, alias="--data")
    split: str = setting("train", "train, valid or test.", check=one_of(*SPLITS))
    kafka_servers: str | None = setting(None, "Kafka's brokers, host:port,host:port.", check=given,
                                        alias="--servers", group="stream")
    topic: str = setting("", "Topic of the messages: one Example a row.", check=given, group="stream")
    partitions: int | None = setting(None, "Make the topic, with so many partitions, if it is not there.",
                                     group="stream")
    speed: float = setting(0.0, "How many times as fast as it happened; 0: as fast as can be.",
                           check=not_negative, group="stream")
    key: str = setting("", "Feature whose first id is a message's key; default: the row's number is.",
                       group="stream")
    # fmt: on


def run(settings: ProduceSettings, ui: Ui) -> Report:
    """Send, and tell how much and how fast."""
    from monolith.data.streams.cluster import kafka_log
    from monolith.data.streams.produce import Around, Replay, produce

    assert settings.data is not None
    dataset = Dataset.open(settings.data)
    log = kafka_log(settings, ui.progress.say, patience_s=settings.kafka_timeout_secs)
    if settings.partitions:
        log.create(settings.topic, settings.partitions)
    log.partitions(settings.topic)
    replay = Replay(topic=settings.topic, split=settings.split, speed=settings.speed, key=settings.key)
    began = time.monotonic()
    rows = produce(dataset, log.write(), replay, Around(progress=ui.progress, stop=ui.stop))
    seconds = time.monotonic() - began
    figures = {"messages": rows, "seconds": round(seconds, 3), "messages_per_s": rows / seconds}
    return Report(title=f"{settings.split} of {settings.data}, sent to {settings.topic}", figures=figures)


PRODUCE = Command(ProduceSettings, run, graceful=True)
