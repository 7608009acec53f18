"""Rows leave in the order of their times, when they are due, under the keys that were asked for."""

from dataclasses import replace

import numpy as np
import pytest

from monolith.core.errors import ConfigError, DataError, StreamError
from monolith.core.progress import Silent
from monolith.data.streams.decoding import Decoder
from monolith.data.streams.log import Partition
from monolith.data.streams.memory import MemoryLog
from monolith.data.streams.produce import Around, Replay, produce
from tests.unit.data.streams.conftest import SCHEMA, labels, rows

HERE = Partition("clicks", 0)


class Stored:
    """A dataset whose rows have these times, numbered in the order in which they are stored."""

    schema = SCHEMA

    def __init__(self, times, size=3):
        whole = replace(rows(range(len(times))), times=np.array(times, np.uint32))
        cuts = range(0, len(times), size)
        self._batches = [self._cut(whole, np.arange(at, min(at + size, len(times)))) for at in cuts]
        self._rows = len(times)

    def rows(self, split):
        return self._rows

    def batches(self, reading):
        return list(self._batches)

    @staticmethod
    def _cut(whole, numbers):
        return replace(rows(numbers), times=whole.times[numbers])


class Slow:
    """A clock that only waiting moves; someone asks for an end when it says so."""

    def __init__(self, end=float("inf")):
        self.now, self.end = 0.0, end

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now = min(self.now + max(seconds, 0), self.end)
        return self.asked

    @property
    def asked(self):
        return self.now >= self.end


class Noting(MemoryLog):
    """Notes when each message was sent."""

    def __init__(self, clock):
        super().__init__({"clicks": 1})
        self.clock, self.when = clock, []

    def send(self, *given, **more):
        self.when.append(self.clock())
        super().send(*given, **more)


class Ending(MemoryLog):
    """Stores so many messages and no more."""

    def __init__(self, topics, after):
        super().__init__(topics)
        self.after = after

    def send(self, *given, **more):
        if self.count == self.after:
            raise StreamError("no more")
        super().send(*given, **more)


class Counting(Silent):
    count = 0

    def advance(self, count=1, **figures):
        self.count += count


def replayed(times, end=float("inf"), **how):
    clock = Slow(end)
    log, progress = Noting(clock), Counting()
    around = Around(progress=progress, stop=clock, timer=clock)
    sent = produce(Stored(times), log, Replay(topic="clicks", **how), around)
    assert progress.count == sent
    messages = log.read({HERE: 0}).poll(100, 0)
    assert len(messages) == sent
    return messages, log.when


def numbers(messages):
    (piece,) = Decoder(schema=SCHEMA, clock=float).decode([m._replace(timestamp_ms=None) for m in messages])
    return labels(piece.rows)


@pytest.mark.parametrize(
    ("times", "order"),
    [([5, 6, 6, 9, 9], [0, 1, 2, 3, 4]), ([9, 5, 6, 5, 9], [1, 3, 2, 0, 4]), ([0, 0, 0], [0, 1, 2])],
)
def test_rows_leave_in_the_order_of_their_times(times, order):
    messages, _ = replayed(times)
    assert numbers(messages) == order
    assert [m.timestamp_ms for m in messages] == [t * 1000 or None for t in sorted(times)]


@pytest.mark.parametrize(("speed", "when"), [(0, [0, 0, 0, 0]), (1, [0, 10, 10, 40]), (20, [0, 0.5, 0.5, 2])])
def test_rows_leave_when_they_are_due(speed, when):
    assert replayed([100, 110, 110, 140], speed=speed)[1] == when


def test_an_end_leaves_the_rest():
    messages, _ = replayed([100, 110, 110, 140], speed=1, end=12)
    assert numbers(messages) == [0, 1, 2]


def test_a_key_is_a_features_id_or_the_rows_number():
    assert [m.key for m in replayed([1] * 5)[0]] == [b"0", b"1", b"2", b"3", b"4"]
    users = [int(fid) for fid in rows(range(5)).sparse["user"].fids]
    assert [int(m.key) for m in replayed([1] * 5, key="user")[0]] == users


def test_who_cannot_go_on_says_how_much_is_stored():
    log = Ending({"clicks": 1}, after=3)
    with pytest.raises(StreamError, match="no more") as told:
        produce(Stored([1] * 5), log, Replay(topic="clicks"), Around())
    assert told.value.__notes__ == ["3 of 5 rows are stored: starting again sends them once more."]


def test_what_cannot_be_is_named():
    with pytest.raises(ConfigError, match=r"key=usr: .*features: user"):
        replayed([1], key="usr")
    with pytest.raises(DataError, match="event time nobody knows"):
        replayed([1, 0, 2], speed=1)
