"""What can be wrong with data on disk, and on its way here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monolith.core.errors.base import MonolithError

if TYPE_CHECKING:
    from pathlib import Path


class DataError(MonolithError):
    """Something is wrong with data on disk, at a place that is named."""

    def __init__(self, message: str, *, path: Path | str = "", offset: int | None = None) -> None:
        at = f" at byte {offset}" if offset is not None else ""
        super().__init__(f"{path}{at}: {message}" if path else message)
        self.path = str(path)
        self.offset = offset


class RecordCorrupt(DataError):
    """A record's framing or checksum is wrong: the file is cut short, altered, or not a record file."""


class NoFilesMatched(DataError):
    """A file pattern matched nothing."""

    def __init__(self, pattern: str) -> None:
        super().__init__(f"No files matched pattern: {pattern}")
        self.pattern = pattern


class SchemaError(DataError):
    """The schema cannot be, or the data does not follow it."""


class StreamError(MonolithError):
    """Something is wrong with a topic, or with the way to it."""

    def __init__(self, message: str, *, topic: str = "") -> None:
        super().__init__(message)
        self.topic = topic


class TopicNotFound(StreamError):
    """The brokers know no such topic."""

    def __init__(self, topic: str, servers: str) -> None:
        super().__init__(
            f"there is no topic {topic!r} at {servers}: check the name, or create it", topic=topic
        )


class BrokersUnreachable(StreamError):
    """No broker answers, or none did for too long."""

    def __init__(self, servers: str, after_s: float, why: str) -> None:
        super().__init__(f"no Kafka broker answers at {servers} within {after_s:.0f} s ({why})")
        self.servers = servers
