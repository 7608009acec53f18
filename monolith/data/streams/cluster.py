"""The way to a Kafka cluster, as settings describe it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from monolith.config.stream import KafkaConfig
from monolith.core.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from monolith.data.streams.kafka import KafkaLog


def kafka_log(
    config: KafkaConfig, say: Callable[[str], None], group: str = "monolith", patience_s: float = 300.0
) -> KafkaLog:
    """The log of the cluster. Nothing is asked of it yet.

    Raises:
        MissingExtra: confluent-kafka is not installed.
        ConfigError: librdkafka does not know a property, or a file with one cannot be read.
    """
    try:
        from monolith.data.streams.kafka import KafkaLog
    except ImportError as exc:
        raise MissingExtra("a stream", "kafka") from exc
    return KafkaLog(
        {
            "bootstrap.servers": config.kafka_servers or "",
            "group.id": group,
            **properties(config.kafka_config),
        },
        say,
        timeout_s=config.kafka_timeout_secs,
        patience_s=patience_s,
    )


def properties(pairs: tuple[str, ...]) -> dict[str, str]:
    """key=value pairs as a mapping; `key=@FILE` has its value in a file, of which the last newline is none.

    Raises:
        ConfigError: the file cannot be read.
    """
    return {key: _value(key, value) for key, _, value in (pair.partition("=") for pair in pairs)}


def _value(key: str, value: str) -> str:
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text().removesuffix("\n")
    except (OSError, UnicodeDecodeError) as exc:
        why = getattr(exc, "strerror", None) or exc
        raise ConfigError(
            [f"kafka_config: the value of {key} cannot be read from {value[1:]} ({why})"]
        ) from exc
