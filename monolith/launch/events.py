"""What a role tells the process that started it: JSON lines through a pipe.

One line is one `Event`. The pipe carries nothing else, so that a role's own output stays free.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from monolith.core.progress import Progress, Rows


@attrs.frozen
class Event:
    """`kind` is begin, advance, say, show, end, ready or result; `data` holds that kind's fields."""

    kind: str
    data: Mapping[str, Any]

    def to_line(self) -> bytes:
        return json.dumps({"event": self.kind, **self.data}).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Event:
        data = json.loads(line)
        return cls(data.pop("event"), data)


class EventPipe:
    """A `core.progress.Progress` whose listener sits at the other end of a pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, kind: str, **data: object) -> None:
        """Tell it, or nobody: who started us may be gone."""
        if self._descriptor < 0:
            return
        try:
            os.write(self._descriptor, Event(kind, data).to_line())
        except BrokenPipeError:
            self._descriptor = -1

    def begin(self, what: str, total: int | None, unit: str) -> None:
        self.send("begin", what=what, total=total, unit=unit)

    def advance(self, count: int = 1, **figures: float) -> None:
        self.send("advance", count=count, figures=figures)

    def say(self, sentence: str) -> None:
        self.send("say", sentence=sentence)

    def show(self, sentence: str, table: Rows) -> None:
        self.send("show", sentence=sentence, table=table)

    def end(self) -> None:
        self.send("end")


def replay(event: Event, progress: Progress) -> None:
    """Tell `progress` what a role's `EventPipe` was told."""
    match event.kind:
        case "begin":
            progress.begin(event.data["what"], event.data["total"], event.data["unit"])
        case "advance":
            progress.advance(event.data["count"], **event.data["figures"])
        case "say":
            progress.say(event.data["sentence"])
        case "show":
            progress.show(event.data["sentence"], event.data["table"])
        case "end":
            progress.end()


def read_events(descriptor: int) -> Iterator[Event]:
    """The events of a pipe until its writer is gone; a line cut short by its death is dropped."""
    with os.fdopen(descriptor, "rb") as pipe:
        for line in pipe:
            if line.endswith(b"\n"):
                yield Event.from_line(line)
