"""From messages to rows. A message that is no such thing costs its neighbours nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import attrs
import numpy as np

from monolith.config.stream import MessageFormat
from monolith.core.arrays import LAST_SECOND
from monolith.core.batch import Batch
from monolith.core.errors import DataError
from monolith.core.schema import Schema
from monolith.data.raw import Chunk, needed, to_batch
from monolith.data.streams.log import Message

_BATCHES_AT_ONCE = 16  # ExampleBatches asked for together: upstream's number


@attrs.frozen
class Poison:
    """A message that cannot be learned from, and why."""

    message: Message
    reason: str


@attrs.frozen
class Piece:
    """Messages that follow each other, with their rows: equally many each. Poison has no rows."""

    messages: Sequence[Message]
    rows: Batch | None
    poison: Poison | None = None

    @property
    def rows_each(self) -> int:
        return len(self.rows) // len(self.messages) if self.rows else 0


@attrs.frozen(kw_only=True)
class Decoder:
    """What messages mean. The event time of a row is the time of its message, where that has one."""

    schema: Schema
    format: MessageFormat = MessageFormat.EXAMPLE
    needs_key: bool = False
    max_ahead_s: float = 3_600.0
    clock: Callable[[], float]

    def at_once(self, rows: int) -> int:
        """How many messages to ask for, to get about `rows` rows."""
        return min(rows, _BATCHES_AT_ONCE) if self.format is MessageFormat.EXAMPLE_BATCH else rows

    def decode(self, messages: Sequence[Message]) -> Iterator[Piece]:
        """`messages` in order, in pieces."""
        good: list[Message] = []
        for message in messages:
            if reason := refused(message, self.clock(), self.max_ahead_s, needs_key=self.needs_key):
                yield from self._parsed(good) if good else ()
                good = []
                yield Piece([message], None, Poison(message, reason))
            else:
                good.append(message)
        yield from self._parsed(good) if good else ()

    def empty(self) -> Batch:
        """No rows."""
        from monolith.wire.examples import parse_examples

        return parse_examples([], self.schema)

    def _parsed(self, messages: Sequence[Message]) -> Iterator[Piece]:
        """Parse all at once; where that fails, each half by itself, until the culprit stands alone."""
        alone = len(messages) == 1
        if alone or self.format is not MessageFormat.EXAMPLE_BATCH:
            try:
                rows = _dated(_finite(self._parse(messages)), messages)
            except DataError as exc:
                if alone:
                    yield Piece(messages, None, Poison(messages[0], str(exc)))
                    return
            else:
                yield Piece(messages, rows)
                return
        half = len(messages) // 2
        for part in filter(None, (messages[:half], messages[half:])):
            yield from self._parsed(part)

    def _parse(self, messages: Sequence[Message]) -> Batch:
        from monolith.wire.examples import parse_example_batch, parse_examples  # brings a compiler

        values = [message.value or b"" for message in messages]
        match self.format:
            case MessageFormat.EXAMPLE:
                return parse_examples(values, self.schema)
            case MessageFormat.EXAMPLE_BATCH:
                return parse_example_batch(values[0], self.schema)
            case MessageFormat.JSON:
                return from_json(values, self.schema)


def refused(message: Message, now_s: float, max_ahead_s: float, *, needs_key: bool) -> str:
    """Why `message` cannot be used, whatever it holds; nothing if it can."""
    if message.value is None:
        return "it has no value"
    if needs_key and message.key is None:
        return "it has no key"
    stamp = message.timestamp_ms or 0
    ahead_s = stamp / 1000 - now_s
    if ahead_s > max_ahead_s or stamp > 1000 * LAST_SECOND:
        return f"its event time {_date(stamp)} is {ahead_s:.0f} s in the future"
    return ""


def from_json(values: Sequence[bytes], schema: Schema) -> Batch:
    """One row of each JSON object, as of a line of a raw file; a column that is missing is an empty cell.

    Raises:
        DataError: one is no object, or holds what the schema does not allow.
    """
    try:
        rows = [json.loads(value, parse_constant=_no_json) for value in values]
    except (ValueError, RecursionError) as exc:
        raise DataError(f"it is no JSON ({exc})") from exc
    if not all(isinstance(row, dict) for row in rows):
        raise DataError("it is JSON, but no object")
    chunk = Chunk({name: _column(rows, name) for name in needed(schema)}, "message")
    try:
        with np.errstate(over="ignore"):  # what becomes infinite is refused by who looks for it in all rows
            return to_batch(schema, chunk)
    except (TypeError, ValueError, OverflowError) as exc:
        raise DataError(f"it holds a value that no column can have ({exc})") from exc


def _no_json(constant: str) -> None:
    """Python would read NaN and Infinity, and a cell that is NaN would be an empty one."""
    raise ValueError(f"{constant} is no value")


def _column(rows: Sequence[dict[str, Any]], name: str) -> Any:
    column = np.empty(len(rows), object)
    for row, held in enumerate(rows):
        column[row] = held.get(name)
    return column


def _finite(batch: Batch) -> Batch:
    """`batch` itself; one number that is none would spoil the whole model.

    Raises:
        DataError: there is such a number.
    """
    numbers = {f"feature {name!r}": values for name, values in batch.dense.items()}
    for name, values in {**numbers, "the label": batch.labels, "the weight": batch.weights}.items():
        if not np.isfinite(values).all():
            raise DataError(f"{name} holds a number that is not finite")
    return batch


def _dated(batch: Batch, messages: Sequence[Message]) -> Batch:
    """`batch` with the times of its messages; a row of a message without one keeps its own."""
    each = len(batch) // len(messages)
    stamps = np.array([-1 if m.timestamp_ms is None else m.timestamp_ms // 1000 for m in messages], np.int64)
    if (stamps < 0).all():
        return batch
    stamps = np.repeat(stamps, each)
    return replace(batch, times=np.where(stamps < 0, batch.known_times, stamps).astype(np.uint32))


def _date(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return f"{ms} ms since 1970"
