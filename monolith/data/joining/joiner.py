"""Impressions and actions in, labelled examples out: the rule of the join, without logs, files or clocks.

Of each key at most one example with label 0 and one with label 1 are given. With both, the second came
because the action was late; it corrects the first (Ktena et al. 2019, "Addressing delayed feedback for
continuous training with neural networks in CTR prediction": fake negatives).
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import NamedTuple

from monolith.data.joining.entries import Entries, Entry, State
from monolith.data.joining.rules import Rules

AT_ONCE = 4096  # windows that are closed before what came of it is stored
MOST_EARLY = 64  # actions of a key that may wait for its impression; who sends more is no person


class Fate(StrEnum):
    """What can become of a message. Every one that was read has exactly one fate, or still waits."""

    # of an impression
    JOINED = "joined"  # it is positive; so is the action that made it so
    NEGATIVE = "negative"
    SAMPLED_OUT = "sampled_out"  # negative, and not among those that are kept
    REPEATED_IMPRESSION = "repeated_impression"
    STALE_IMPRESSION = "stale_impression"  # so late that its key may have been forgotten
    # of an action
    LATE = "late"  # its impression had been called negative: given once more, as positive
    REPEATED_ACTION = "repeated_action"  # its impression is positive already
    UNMATCHED = "unmatched"  # no impression in whose window it is
    OTHER_KIND = "other_kind"
    # of either
    POISON = "poison"


class Joined(NamedTuple):
    """One example. With its label, its key says which one it is."""

    key: bytes
    time: int  # of the impression, ms
    label: int
    value: bytes  # of the impression


class Joiner:
    """Feed it messages in any order, and say how far event time is. `given` collects what comes of it."""

    def __init__(self, rules: Rules, entries: Entries, counts: Counter[Fate], watermark: int) -> None:
        self.counts = counts
        self.watermark = watermark  # before this event time nothing is awaited any more, ms
        self.given: list[Joined] = []
        self._rules = rules
        self._entries = entries

    def impression(self, key: bytes, time: int, value: bytes) -> None:
        """Something was shown; `value` is what to learn from. The key must have been loaded."""
        known = self._entries.get(key)
        if known and known.state is not State.EARLY:
            self.counts[Fate.REPEATED_IMPRESSION] += 1
        elif self._rules.forgets(time) <= self.watermark:
            self.counts[Fate.STALE_IMPRESSION] += 1
        else:
            entry = Entry(State.WAITING, self._rules.closes(time), time, value)
            self._entries.put(key, entry)
            for action in known.actions if known else ():
                self._meets(key, action)

    def action(self, key: bytes, time: int, kind: str) -> None:
        """Someone did something about it. The key must have been loaded."""
        if self._rules.counts(kind):
            self._meets(key, time)
        else:
            self.counts[Fate.OTHER_KIND] += 1

    def advance(self, watermark: int) -> bool:
        """Let event time go on, never back. False: call again, there is more to do than should be at once."""
        self.watermark = max(self.watermark, watermark)
        due, all_of_them = self._entries.due(self.watermark, AT_ONCE)
        for key, entry in due:
            if entry.state is State.WAITING:
                self._close(key, entry)
            else:
                self.counts[Fate.UNMATCHED] += len(entry.actions)
                self._entries.remove(key)
        return all_of_them

    def _meets(self, key: bytes, action: int) -> None:
        entry = self._entries.get(key)
        if entry is None or entry.state is State.EARLY:
            self._hold(key, action, entry)
        elif not self._rules.matches(action, entry.time):
            self.counts[Fate.UNMATCHED] += 1
        elif entry.state is State.POSITIVE:
            self.counts[Fate.REPEATED_ACTION] += 1
        else:
            self.counts[Fate.LATE if entry.state is State.NEGATIVE else Fate.JOINED] += 1
            self.given.append(Joined(key, entry.time, 1, entry.value))
            self._entries.put(key, Entry(State.POSITIVE, self._rules.forgets(entry.time), entry.time))

    def _hold(self, key: bytes, action: int, entry: Entry | None) -> None:
        """Keep an action until its impression comes, or cannot come any more."""
        actions = entry.actions if entry else ()
        if self._rules.forgets(action) <= self.watermark or len(actions) == MOST_EARLY:
            self.counts[Fate.UNMATCHED] += 1
        elif action in actions:
            self.counts[Fate.REPEATED_ACTION] += 1
        else:
            latest = max(action, *actions) if actions else action
            held = Entry(State.EARLY, self._rules.forgets(latest), latest, b"", (*actions, action))
            self._entries.put(key, held)

    def _close(self, key: bytes, entry: Entry) -> None:
        """Nobody acted in time."""
        if self._rules.keeps(key):
            self.counts[Fate.NEGATIVE] += 1
            self.given.append(Joined(key, entry.time, 0, entry.value))
        else:
            self.counts[Fate.SAMPLED_OUT] += 1
        self._entries.put(key, entry._replace(state=State.NEGATIVE, due=self._rules.forgets(entry.time)))
