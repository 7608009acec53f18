"""Messages that could not be learned from: counted, and set aside in a file of bounded size."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

from monolith.core.lines import append_line
from monolith.data.streams.decoding import Poison

LIMIT = 16 << 20  # bytes of the file and of the older one beside it, together
_VALUE_LIMIT = 64 << 10  # bytes of a message that are kept


class DeadLetters:
    """JSON lines in `path`: topic, partition, offset, timestamp_ms, reason, and key and value in base64.

    At half of `limit` the file becomes `*.old`, in place of the one before: the newest are kept. That the
    disk is full ends no training: it is said once, and messages are only counted until there is room again.
    """

    def __init__(self, path: Path, say: Callable[[str], None], *, limit: int = LIMIT) -> None:
        self.count = 0
        self._path = path
        self._say = say
        self._half = limit // 2
        self._full = False

    def put(self, poison: Poison) -> None:
        """Set one aside. What is said of it gets rarer, the more there are."""
        self.count += 1
        self._keep(poison)
        if str(self.count).rstrip("0") == "1":  # 1, 10, 100, ...
            at = f"{poison.message.partition} at offset {poison.message.offset}"
            self._say(f"message {at} was set aside, {self.count} so far in {self._path}: {poison.reason}")

    def _keep(self, poison: Poison) -> None:
        try:
            self._write(_line(poison))
        except OSError as exc:
            if not self._full:
                self._say(f"{self._path}: {exc.strerror}: what cannot be learned from is only counted now")
            self._full = True
        else:
            self._full = False

    def _write(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        size = self._path.stat().st_size if self._path.exists() else 0
        if size and size + len(line) > self._half:
            self._path.replace(self._path.with_name(self._path.name + ".old"))
        append_line(self._path, line)


def _line(poison: Poison) -> bytes:
    message = poison.message
    value = message.value or b""
    told = {
        "topic": message.partition.topic,
        "partition": message.partition.number,
        "offset": message.offset,
        "timestamp_ms": message.timestamp_ms,
        "reason": poison.reason,
        "key": None if message.key is None else _text(message.key),
        "value": None if message.value is None else _text(value),
        "bytes": len(value),
    }
    return json.dumps(told).encode() + b"\n"


def _text(data: bytes) -> str:
    return base64.b64encode(data[:_VALUE_LIMIT]).decode()
