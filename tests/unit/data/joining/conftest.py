"""Impressions and actions that say who they are, a log that is read in small bites, and a joiner over it."""

from __future__ import annotations

import json
import random
from collections import Counter

from monolith.data.joining.joiner import Fate
from monolith.data.joining.pump import Around, Plan, Pump
from monolith.data.joining.rules import Rules
from monolith.data.joining.state import JoinState
from monolith.data.streams.dead_letters import DeadLetters
from monolith.data.streams.log import Partition
from monolith.data.streams.memory import MemoryLog
from monolith.wire import example_pb2 as pb
from tests.unit.data.streams.conftest import Ticking

RULES = Rules(
    window_ms=100, keep_ms=1_000_000, negative_rate=0.5, seed=3, positive_kinds=frozenset({"click"})
)
FAR = 1_000_000_000_000  # where event time begins, ms


def key_of(number):
    return f"key-{number}".encode()


def impression(number):
    """An Example with one number, which says which one it is."""
    example = pb.Example(label=[7])
    example.named_feature.add(name="number").feature.int64_value = number
    return example.SerializeToString()


def action(kind="click"):
    return json.dumps({"kind": kind}).encode()


class BitingLog(MemoryLog):
    """Gives a few messages of some partition at a time, and does not wait."""

    def __init__(self, topics, seed=0):
        super().__init__(topics)
        self._draw = random.Random(seed)

    def wait(self, most, seconds, offsets):
        partition = self._draw.choice(list(offsets))
        at = {partition: offsets[partition]}
        found = super().wait(self._draw.randint(1, 5), 0, at)
        offsets |= at
        return found

    def held(self, topic):
        places = [Partition(topic, number) for number in range(self.partitions(topic))]
        return [message for place in places for message in self._held[place]]


def topics(partitions=2):
    return dict.fromkeys(("impressions", "actions", "examples"), partitions)


def plan(rules=RULES, **more):
    names = {"impressions": "impressions", "actions": "actions", "output": "examples"}
    return Plan(rules=rules, **{"lateness_ms": 20, "silence_s": 1.0, "commit_s": 0.05, **names, **more})


def around(**more):
    return Around(**{"clock": lambda: FAR / 1000 + 1000, "timer": Ticking(), **more})


def join(log, folder, how=None, *, memory_bytes=1 << 20, **more):
    """One run to the end, and what it left: counts, and how many messages still wait."""
    how = how or plan()
    with JoinState(folder / "state.sqlite3", how.fixed, memory_bytes=memory_bytes) as state:
        dead = DeadLetters(folder / "dead.jsonl", lambda _said: None)
        Pump(log, how, state, dead, around(**more)).run()
        return state.counts, waiting(state)


def waiting(state):
    """Messages that wait for others, counted on disk."""
    rows = state._db.execute("SELECT state, length(actions) FROM entries").fetchall()
    return sum(1 if kind == 1 else size // 8 for kind, size in rows)


def accounted(counts: Counter[Fate], still_waiting: int) -> int:
    """How many messages were read, if each has one fate: two were joined each time."""
    return counts.total() + counts[Fate.JOINED] + still_waiting


def given(log):
    """What the trainer sees, as (number, label)."""
    examples = [pb.Example.FromString(message.value) for message in log.held("examples")]
    return [(number_of(example), int(example.label[0])) for example in examples]


def number_of(example):
    return example.named_feature[0].feature.int64_value


def offline(impressions, actions, rules=RULES):
    """The join, done with plain dicts when everything is there: (number, label) of what is kept."""
    shown = {}
    for number, time in impressions:
        shown.setdefault(number, time)
    clicked = {
        number
        for number, time, kind in actions
        if kind == "click" and number in shown and shown[number] <= time < shown[number] + rules.window_ms
    }
    return sorted(
        (number, int(number in clicked))
        for number in shown
        if number in clicked or rules.keeps(key_of(number))
    )


class Killed(BaseException):
    """The process is no more."""


def killing(patch, log, countdown):
    """Kill whoever calls the log or the state, before or after a call: at the `countdown`-th of these."""
    left = [countdown]

    def deadly(call):
        def wrapped(*args, **more):
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            done = call(*args, **more)
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return done

        return wrapped

    for owner, name in ((log, "send"), (log, "stored"), (log, "wait"), (JoinState, "commit")):
        patch.setattr(owner, name, deadly(getattr(owner, name)))
