"""Who is idle: read to its end, for long enough, as the log says, too, if it answers."""

import pytest

from monolith.core.errors import BrokersUnreachable
from monolith.data.joining.idle import Idle
from monolith.data.streams.log import Partition
from monolith.data.streams.memory import MemoryLog

A, B = (Partition("t", number) for number in range(2))


class Mute(MemoryLog):
    """Tells no end while it is `mute`."""

    mute = False

    def span(self, partition):
        if self.mute:
            raise BrokersUnreachable("h:1", 1.0, "frozen")
        return super().span(partition)


class Looked:
    """Looked at with a clock that is set by hand, on a partition with two messages."""

    def __init__(self):
        self.log, self.clock = Mute({"t": 1}), 0.0
        self.log.send("t", b"")
        self.log.send("t", b"")
        self.idle = Idle(self.log, 5.0, lambda: self.clock)
        self.at(0.0, {})

    def at(self, now, ended):
        self.clock = now
        return set(self.idle.now([A], ended))


@pytest.fixture
def looked():
    return Looked()


@pytest.mark.parametrize(
    ("now", "ended", "said"),
    [
        (4.9, {A: 2}, set()),
        (5.0, {A: 2}, {A}),
        (5.0, {A: 3}, {A}),
        (5.0, {A: 1}, set()),
        (5.0, {B: 2}, set()),
    ],
)
def test_idle_is_read_to_the_end(looked, now, ended, said):
    assert looked.at(now, ended) == said


def test_what_comes_ends_idleness(looked):
    assert looked.at(5.0, {A: 2}) == {A}
    looked.idle.saw(A)
    assert looked.at(5.0, {A: 2}) == set()


def test_without_an_answer_nobody_is_idle(looked):
    looked.log.mute = True
    assert looked.at(5.0, {A: 2}) == set()
    looked.log.mute = False
    assert looked.at(9.9, {A: 2}) == set()  # it is asked once in so long
    assert looked.at(10.0, {A: 2}) == {A}
