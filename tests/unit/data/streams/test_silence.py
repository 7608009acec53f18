"""A stream is over when nothing comes, and nothing is left, as both its reader and the log say."""

import pytest

from monolith.core.errors import BrokersUnreachable
from monolith.data.streams.log import Message, Partition, Span
from monolith.data.streams.silence import Silence

A, B = (Partition("t", number) for number in range(2))
ENOUGH_S = 10.0


class Quiet:
    """A log and its reader, of which nothing comes: the ends are those that it tells, and has seen."""

    away = False

    def __init__(self, told, seen):
        self.told, self.ended = told, seen

    def within(self, _seconds):
        return self

    def span(self, partition):
        if partition not in self.told:
            raise BrokersUnreachable("h:1", 5.0, "frozen")
        return Span(0, self.told[partition])


@pytest.fixture
def said():
    return []


def silence_of(quiet, said, enough_s=ENOUGH_S):
    return Silence(quiet, quiet, [A, B], enough_s, said.append)


@pytest.mark.parametrize(
    ("told", "seen", "left"),
    [
        ({A: 2, B: 3}, {A: 2, B: 3}, None),
        ({A: 2, B: 3}, {A: 2, B: 4}, None),  # a transaction ends with an offset of its own
        ({A: 2, B: 3}, {A: 2, B: 1}, B),
        ({A: 2, B: 3}, {A: 2}, B),
        ({B: 3}, {A: 2, B: 3}, A),
    ],
)
def test_nothing_must_be_left(said, told, seen, left):
    silence = silence_of(Quiet(told, seen), said)
    silence.lasted(ENOUGH_S, [])
    assert silence.over is (left is None)
    assert [sentence.partition(":")[0] for sentence in said] == ([] if left is None else [str(left)])


def test_it_is_told_once_and_looked_at_again(said):
    quiet = Quiet({A: 2}, {A: 2, B: 3})
    silence = silence_of(quiet, said)
    for _ in range(3):
        silence.lasted(ENOUGH_S, [])
    quiet.told[B] = 3
    silence.lasted(ENOUGH_S / 2, [])
    assert not silence.over
    silence.lasted(ENOUGH_S / 2, [])
    assert (silence.over, len(said)) == (True, 1)


@pytest.mark.parametrize(("messages", "away"), [([Message(A, 1, b"")], False), ([], True)])
def test_what_comes_and_who_is_away_breaks_it(said, messages, away):
    quiet = Quiet({A: 2, B: 3}, {A: 2, B: 3})
    silence = silence_of(quiet, said)
    silence.lasted(ENOUGH_S - 1, [])
    quiet.away = away
    silence.lasted(1, messages)
    quiet.away = False
    silence.lasted(ENOUGH_S - 1, [])
    assert not silence.over


def test_without_an_end_it_is_never_over(said):
    silence = silence_of(Quiet({A: 2, B: 3}, {A: 2, B: 3}), said, enough_s=None)
    silence.lasted(1e9, [])
    assert (silence.over, said) == (False, [])
