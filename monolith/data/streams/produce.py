"""A dataset's rows replayed into a topic, in the order of their event times, at any speed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import attrs
import numpy as np
from numpy.typing import NDArray

from monolith.core.batch import Batch
from monolith.core.errors import ConfigError, DataError, StreamError
from monolith.core.progress import Progress, Silent
from monolith.core.stop import Stop
from monolith.data.reading import Reading, Source
from monolith.data.rows import cut, joined, take
from monolith.data.streams.log import Writer

_ROWS = 4_096  # made into messages at once


@attrs.frozen(kw_only=True)
class Replay:
    """What is sent where, and how fast."""

    topic: str
    split: str = "train"
    speed: float = 0.0  # event time passes so many times as fast as time; 0: as fast as can be
    key: str = ""  # the feature whose first id is a message's key; empty: the row's number is


@attrs.frozen(kw_only=True)
class Around:
    """Who listens, who may end it early, and what the clock says."""

    progress: Progress = attrs.field(factory=Silent)
    stop: Stop = attrs.field(factory=Stop)
    timer: Callable[[], float] = time.monotonic  # seconds since any moment


def produce(dataset: Source, writer: Writer, replay: Replay, around: Around) -> int:
    """Send the rows of a split as Example messages, each with its event time; how many were stored.

    It ends early when someone asks for an end.

    Raises:
        ConfigError: there is no such feature to take keys from.
        DataError: at a speed, rows whose event times nobody knows; or a record is damaged.
        StreamError: a message could not be stored.
    """
    if replay.key and replay.key not in [feature.name for feature in dataset.schema.sparse]:
        known = ", ".join(feature.name for feature in dataset.schema.sparse)
        raise ConfigError([f"key={replay.key}: no feature with ids is called so (features: {known})"])
    total = dataset.rows(replay.split)
    around.progress.begin(f"sending to {replay.topic}", total, "rows")
    sender = _Sender(writer, replay, around)
    try:
        for batch in in_order(dataset, replay.split):
            sender.send(batch)
            if around.stop.asked:
                break
        writer.flush()
    except StreamError as exc:
        exc.add_note(f"{writer.count} of {total} rows are stored: starting again sends them once more.")
        raise
    around.progress.end()
    return sender.sent


def in_order(dataset: Source, split: str) -> Iterator[Batch]:
    """The rows of `split` by event time, those of one time as they are stored.

    Only a split that is stored in another order is held in memory.
    """
    times = [batch.known_times for batch in _stored(dataset, split)]
    told = np.concatenate([np.zeros(0, np.uint32), *times])
    if (told[1:] >= told[:-1]).all():
        yield from _stored(dataset, split)
        return
    whole = take(joined(list(_stored(dataset, split))), np.argsort(told, kind="stable"))
    yield from (cut(whole, at, min(at + _ROWS, len(whole))) for at in range(0, len(whole), _ROWS))


def _stored(dataset: Source, split: str) -> Iterator[Batch]:
    return iter(dataset.batches(Reading(split=split, batch_size=_ROWS, shuffle=False)))


class _Sender:
    """Sends rows when they are due."""

    def __init__(self, writer: Writer, replay: Replay, around: Around) -> None:
        self._writer = writer
        self._replay = replay
        self._around = around
        self._began = around.timer()
        self._first: int | None = None  # event time of the first row
        self.sent = 0

    def send(self, batch: Batch) -> None:
        """Send all, or those that were due before someone asked for an end."""
        from monolith.wire.examples import encode_examples  # brings a compiler

        due, keys, values = self._due(batch), self._keys(batch), encode_examples(batch)
        done = 0
        while done < len(batch):
            now = self._around.timer() - self._began
            ready = int(np.searchsorted(due, now, side="right"))
            for row in range(done, ready):
                stamp = int(batch.known_times[row]) * 1000 or None
                self._writer.send(self._replay.topic, values[row], key=keys[row], timestamp_ms=stamp)
            self.sent += max(ready - done, 0)
            self._around.progress.advance(max(ready - done, 0))
            done = max(ready, done)
            if self._around.stop.wait(float(due[done]) - now if done < len(batch) else 0):
                return

    def _due(self, batch: Batch) -> NDArray[np.float64]:
        """When each row is to be sent, in seconds after the first."""
        if not self._replay.speed:
            return np.zeros(len(batch))
        if not batch.known_times.all():
            raise DataError(
                "there are rows whose event time nobody knows: replay them at --speed 0, or name the `time` "
                "column in the schema and convert again"
            )
        if self._first is None:
            self._first = int(batch.known_times[0])
        return (batch.known_times.astype(np.float64) - self._first) / self._replay.speed

    def _keys(self, batch: Batch) -> list[bytes | None]:
        if not self._replay.key:
            return [b"%d" % row for row in range(self.sent, self.sent + len(batch))]
        ids = batch.sparse[self._replay.key]
        starts, lengths = ids.row_splits[:-1].tolist(), ids.lengths.tolist()
        return [b"%d" % ids.fids[at] if n else None for at, n in zip(starts, lengths, strict=True)]
