"""The whole joiner over a log in memory: what it gives is what an offline join gives, whatever happens."""

import contextlib
import json
import random
import tempfile
from collections import Counter
from pathlib import Path

import attrs
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from monolith.core.errors import StreamError, TopicNotFound
from monolith.core.progress import Silent
from monolith.core.stop import Stop
from monolith.data.joining import joiner
from monolith.data.joining.joiner import Fate
from monolith.data.joining.rules import Rules
from monolith.data.joining.spill import SpillingEntries
from monolith.data.streams.log import Span
from monolith.data.streams.memory import MemoryReader
from monolith.wire import example_pb2 as pb
from tests.unit.data.joining.conftest import (
    FAR,
    RULES,
    BitingLog,
    Killed,
    accounted,
    action,
    given,
    impression,
    join,
    key_of,
    killing,
    offline,
    plan,
    topics,
)

LATENESS = 20
times = st.integers(0, 400)
kinds = st.sampled_from(["click", "click", "scroll"])
poison = st.sampled_from([b"", b"no example, no action", None])


@st.composite
def events(draw, disorder):
    """Impressions with a time each, actions of some of them, repeats; and when each of all arrives."""
    shown = draw(st.lists(times, min_size=5, max_size=25))
    numbers = st.integers(0, len(shown) + 1)
    impressions = list(enumerate(shown))
    impressions += draw(st.lists(st.sampled_from(impressions), max_size=5)) if impressions else []
    actions = draw(st.lists(st.tuples(numbers, times, kinds), min_size=5, max_size=40))
    actions += draw(st.lists(st.sampled_from(actions), max_size=5)) if actions else []
    count = len(impressions) + len(actions)
    delays = draw(st.lists(st.integers(0, disorder), min_size=count, max_size=count))
    return impressions, actions, delays


def filled(log, impressions, actions, delays):
    """Send everything, each by its delay later than it happened."""
    sent = [("impressions", number, time, impression(number)) for number, time in impressions]
    sent += [("actions", number, time, action(kind)) for number, time, kind in actions]
    order = sorted(range(len(sent)), key=lambda place: sent[place][2] + delays[place])
    for topic, number, time, value in (sent[place] for place in order):
        log.send(topic, value, key=key_of(number), timestamp_ms=FAR + time)


@settings(deadline=None, max_examples=30)
@drawn(
    events(LATENESS), st.integers(0, 1000), st.sampled_from([0, 2000, 1 << 20]), st.lists(poison, max_size=4)
)
def test_it_is_the_offline_join(happened, seed, memory_bytes, bad):
    log = BitingLog(topics(1 + seed % 2), seed)
    filled(log, *happened)
    for number, value in enumerate(bad):
        log.send("actions", value, key=key_of(number), timestamp_ms=FAR)
    with tempfile.TemporaryDirectory() as folder:
        counts, left = join(log, Path(folder), memory_bytes=memory_bytes)
    assert sorted(given(log)) == offline(*happened[:2])
    assert accounted(counts, left) == sum(map(len, happened[:2])) + len(bad)
    assert (counts[Fate.LATE], counts[Fate.POISON]) == (0, len(bad))


@settings(deadline=None, max_examples=30)
@drawn(events(1000), st.integers(0, 1000))
def test_late_actions_correct_what_was_given(happened, seed):
    log = BitingLog(topics(), seed)
    filled(log, *happened)
    with tempfile.TemporaryDirectory() as folder:
        counts, left = join(log, Path(folder))
    labels = Counter(given(log))
    assert set(labels.values()) <= {1}
    right = offline(*happened[:2])
    assert set(right) <= set(labels)
    assert {label for _, label in set(labels) - set(right)} <= {0}
    assert counts[Fate.LATE] >= len(labels) - len(right)
    assert accounted(counts, left) == sum(map(len, happened[:2]))


@settings(deadline=None, max_examples=30)
@drawn(events(LATENESS), st.lists(st.integers(1, 60), max_size=6), st.sampled_from([0, 1 << 20]))
def test_who_is_killed_loses_nothing(happened, deaths, memory_bytes):
    log = BitingLog(topics())
    filled(log, *happened)
    with tempfile.TemporaryDirectory() as folder:
        for countdown in deaths:
            with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Killed):
                killing(patch, log, countdown)
                join(log, Path(folder), memory_bytes=memory_bytes)
        counts, left = join(log, Path(folder), memory_bytes=memory_bytes)
    assert sorted(set(given(log))) == offline(*happened[:2])
    assert accounted(counts, left) == sum(map(len, happened[:2]))
    repeats = {}
    for message in log.held("examples"):
        which = (message.key, pb.Example.FromString(message.value).label[0])
        assert repeats.setdefault(which, message[2:]) == message[2:]


@pytest.fixture
def log():
    return BitingLog(topics(1))


def test_what_was_sent_is_not_repeated(log, tmp_path):
    filled(log, [(number, number) for number in range(50)], [], [0] * 50)
    join(log, tmp_path)
    once = given(log)
    join(log, tmp_path)
    assert given(log) == once != []


def test_repeats_are_of_one_transaction(log, tmp_path, monkeypatch):
    """Killed after it was sent and before that was noted: it is sent again, and nothing else is."""
    filled(
        log, [(number, 1) for number in range(60)], [(number, 1, "click") for number in range(60)], [0] * 120
    )
    seen = []
    monkeypatch.setattr(log, "stored", lambda _seconds: seen.append(len(given(log))) or True)
    fifth = []

    def send(*args, **more):
        BitingLog.send(log, *args, **more)
        fifth.append(args)
        if len(fifth) == 30:
            raise Killed

    monkeypatch.setattr(log, "send", send)
    with pytest.raises(Killed):
        join(log, tmp_path)
    monkeypatch.undo()
    join(log, tmp_path)
    repeated = Counter(given(log)).total() - 60
    assert 0 < repeated == 30 - max(each for each in seen if each <= 30)


def test_an_example_says_what_it_is(log, tmp_path):
    log.send("impressions", impression(5), key=b"five", timestamp_ms=FAR + 1500)
    log.send("actions", action(), key=b"five", timestamp_ms=FAR + 1501)
    join(log, tmp_path, plan(Rules(window_ms=100, keep_ms=100, negative_rate=0.25)))
    (message,) = log.held("examples")
    example = pb.Example.FromString(message.value)
    assert (message.key, message.timestamp_ms) == (b"five", FAR + 1500)
    assert (list(example.label), example.line_id.sample_rate) == ([1], 0.25)
    assert example.named_feature[-1].feature.int64_value == FAR // 1000 + 1


def test_asked_to_stop_it_keeps_what_waits(log, tmp_path):
    filled(log, [(1, 0)], [], [0])
    stop, wait = Stop(), log.wait

    def stopping(*args):
        if found := wait(*args):
            stop.ask()
        return found

    log.wait = stopping
    counts, left = join(log, tmp_path, stop=stop)
    assert (given(log), left, counts.total()) == ([], 1, 0)


class Marked(BitingLog):
    """Behind the messages of each partition ends a transaction, at an offset that nobody reads."""

    def span(self, partition):
        return Span(0, super().span(partition).end + 1)

    def read(self, offsets):
        return MarkedReader(self, offsets)


class MarkedReader(MemoryReader):
    @property
    def ended(self):
        return {place: offset + 1 for place, offset in super().ended.items()}


@pytest.mark.parametrize("kind", [BitingLog, Marked])
def test_a_silent_partition_is_not_waited_for(kind, tmp_path):
    """No action ever comes, and the stream goes on: negatives leave all the same."""
    log, seen = kind(topics(1)), []
    rules = Rules(window_ms=100, keep_ms=100)
    filled(log, [(number, 50 * number) for number in range(30)], [], [0] * 30)
    join(log, tmp_path, plan(rules, idle_s=0.3, commit_s=0.01), progress=Watching(log, seen))
    assert max(seen) >= 25


@pytest.mark.parametrize("seed", range(5))
def test_an_end_that_is_told_too_low_ends_nothing(seed, tmp_path):
    """A broker that tells an end before messages which are there makes no partition idle."""

    class Low(BitingLog):
        def span(self, partition):
            return Span(0, 0)

    log, draw = Low(topics(), seed), random.Random(seed)
    shown = [(number, draw.randint(0, 400)) for number in range(25)]
    done = [(draw.randint(0, 25), draw.randint(0, 400), "click") for _ in range(40)]
    filled(log, shown, done, [0] * 65)
    join(log, tmp_path, plan(idle_s=1e-9))
    assert sorted(given(log)) == offline(shown, done)


def test_a_full_disk_is_told_and_loses_nothing(log, tmp_path, monkeypatch):
    shown = [(number, number) for number in range(300)]
    filled(log, shown, [(number, number + 1, "click") for number in range(0, 300, 7)], [0] * 343)
    expected = offline(shown, [(number, number + 1, "click") for number in range(0, 300, 7)])
    write = SpillingEntries.write

    def full(self):
        self._db.execute("PRAGMA max_page_count = 12")  # sqlite's own error, as of a disk
        write(self)

    monkeypatch.setattr(SpillingEntries, "write", full)
    for _ in range(2):
        with pytest.raises(StreamError, match="database or disk is full; nothing is lost: make room, and"):
            join(log, tmp_path, memory_bytes=0)
    monkeypatch.undo()
    join(log, tmp_path, memory_bytes=0)
    assert sorted(set(given(log))) == expected


def test_brokers_that_are_away_end_nothing(log, tmp_path, monkeypatch):
    """What waits is not called negative because nobody could be asked."""
    filled(log, [(1, 0)], [(1, 1, "click")], [0, 0])
    looks = iter(range(300))
    monkeypatch.setattr(MemoryReader, "away", property(lambda _reader: next(looks, 300) < 299))
    monkeypatch.setattr(
        log, "wait", lambda *told: () if next(looks, 300) < 299 else BitingLog.wait(log, *told)
    )
    join(log, tmp_path)
    assert given(log) == [(1, 1)]


@pytest.mark.parametrize("stops", [False, True])
def test_examples_that_brokers_do_not_take_are_kept(log, tmp_path, monkeypatch, stops):
    """For as long as the brokers are away; until the next run, if someone asks to stop."""
    filled(log, [(1, 0)], [(1, 1, "click")], [0, 0])
    stop, said = Stop(), Said()
    waiting, answers = [], iter([False] * 3)

    def stored(_seconds):
        if stops and said.sentences:
            stop.ask()
        return not waiting or next(answers, True)

    monkeypatch.setattr(log, "stored", stored)
    monkeypatch.setattr(log, "send", lambda *args, **_more: waiting.append(args))
    join(log, tmp_path, stop=stop, progress=said)
    assert said.sentences == ["examples: brokers have not stored examples for 5 s: trying on"]
    monkeypatch.undo()
    join(log, tmp_path)
    assert given(log) == ([(1, 1)] if stops else [])  # who was told that it is stored sends nothing again


def test_a_stop_is_heeded_while_windows_close(log, tmp_path, monkeypatch):
    """There may be millions, and brokers that take no example make each commit a long one."""
    monkeypatch.setattr(joiner, "AT_ONCE", 1)
    shown = [(number, 0) for number in range(50)]
    filled(log, shown, [], [0] * 50)
    stop, stored = Stop(), log.stored

    def stopping(seconds):
        if given(log):
            stop.ask()
        return stored(seconds)

    with monkeypatch.context() as patch:
        patch.setattr(log, "stored", stopping)
        join(log, tmp_path, stop=stop)
    assert len(given(log)) < 3
    join(log, tmp_path)
    assert sorted(given(log)) == offline(shown, [])


class Said(Silent):
    """The sentences that were said."""

    def __init__(self):
        self.sentences = []

    def say(self, text):
        self.sentences.append(text)


class Watching:
    """Looks at the output whenever the joiner says something."""

    def __init__(self, log, seen):
        self._log, self._seen = log, seen

    def advance(self, count=1, **figures):
        self._seen.append(len(self._log.held("examples")))

    def __getattr__(self, name):
        return lambda *args: None


REFUSED = {
    "no key": ({"value": impression(1), "key": None}, "it has no key"),
    "no value": ({"value": None}, "it has no value"),
    "no time": ({"timestamp_ms": None}, "it has no event time"),
    "too early": ({"timestamp_ms": FAR * 2}, "s in the future"),
    "no example": ({"value": b"\xff\xff"}, "no Example message"),
}


@pytest.mark.parametrize(("changed", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_poison_is_set_aside(log, tmp_path, changed, said):
    good = {"value": impression(1), "key": b"k", "timestamp_ms": FAR}
    log.send("impressions", **good | changed)
    counts, _ = join(log, tmp_path)
    assert counts == {Fate.POISON: 1}
    assert said in json.loads((tmp_path / "dead.jsonl").read_text())["reason"]


@pytest.mark.parametrize("which", ["impressions", "actions", "output"])
def test_every_topic_must_be_there(which):
    with pytest.raises(TopicNotFound, match="'nowhere'"):
        plan(**{which: "nowhere"}).check(BitingLog(topics()))


def test_other_rules_want_another_state(log, tmp_path):
    join(log, tmp_path)
    with pytest.raises(StreamError, match=r"begun with negative_rate 0\.5, not 0\.25: say the same"):
        join(log, tmp_path, plan(attrs.evolve(RULES, negative_rate=0.25)))
