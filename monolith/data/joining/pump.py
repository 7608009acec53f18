"""From the topics of impressions and actions to the topic of examples, until someone asks to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import attrs

from monolith.core.errors import DataError
from monolith.core.progress import Progress, Silent
from monolith.core.stop import Stop
from monolith.data.joining.idle import Idle
from monolith.data.joining.inputs import Inputs
from monolith.data.joining.joiner import Fate, Joiner
from monolith.data.joining.messages import kind_of, labelled, unlabelled
from monolith.data.joining.rules import Rules
from monolith.data.joining.state import JoinState, Leaving
from monolith.data.streams.dead_letters import DeadLetters
from monolith.data.streams.decoding import Poison, refused
from monolith.data.streams.growth import GrowthTold
from monolith.data.streams.log import Log, Message
from monolith.data.streams.silence import Silence

MOST = 4096  # messages of a poll
_STORED_S = 5.0  # brokers that take longer to store examples are told of


@attrs.frozen(kw_only=True)
class Plan:
    """Which topics, what joins, and what waits for how long."""

    impressions: str
    actions: str
    output: str
    rules: Rules
    lateness_ms: int  # by how much messages of a partition may be out of order, in event time
    idle_s: float = 30.0  # event time waits so long for a partition of which nothing comes
    commit_s: float = 0.5  # an example that is decided waits about so long
    silence_s: float | None = None  # after so long without any message it is over; None: never
    max_ahead_s: float = 3_600.0  # an event time may be so far in the future

    @property
    def fixed(self) -> dict[str, object]:
        """What makes another joiner of it, if it changes."""
        rules = attrs.asdict(self.rules) | {"positive_kinds": sorted(self.rules.positive_kinds)}
        return {"impressions": self.impressions, "actions": self.actions, "output": self.output, **rules}

    def check(self, log: Log) -> None:
        """Find out whether its topics are there, before anything is begun.

        Raises:
            TopicNotFound, BrokersUnreachable: within a bounded time.
        """
        for topic in (self.impressions, self.actions, self.output):
            log.partitions(topic)


@attrs.frozen(kw_only=True)
class Around:
    """Who listens, who may end it, and what the clocks say."""

    progress: Progress = attrs.field(factory=Silent)
    stop: Stop = attrs.field(factory=Stop)
    clock: Callable[[], float] = time.time  # seconds since 1970
    timer: Callable[[], float] = time.monotonic  # seconds since any moment


class Pump:
    """One run of a joiner. What it has done when it ends, however it ends, is in `state`."""

    def __init__(self, log: Log, plan: Plan, state: JoinState, dead: DeadLetters, around: Around) -> None:
        """Stand where the last run left off.

        Raises:
            TopicNotFound, BrokersUnreachable: within a bounded time.
        """
        self._plan, self._state, self._dead, self._around = plan, state, dead, around
        self._joiner = Joiner(plan.rules, state.entries, state.counts, state.watermark)
        self._inputs = Inputs(
            log,
            (plan.impressions, plan.actions),
            state.reached,
            around.progress.say,
            lateness_ms=plan.lateness_ms,
            idle=Idle(log, plan.idle_s, around.timer),
        )
        self._writer = log.write()
        topics = (plan.impressions, plan.actions)
        reader = log.read(self._inputs.next)
        self._reader = GrowthTold(reader, log, topics, around.progress.say, around.timer)
        self._silence = Silence(self._reader, log, self._inputs.next, plan.silence_s, around.progress.say)

    def run(self) -> None:
        """Join until someone asks to stop, or nothing has come for long enough.

        Raises:
            StreamError: brokers are away for too long, or the state cannot be kept.
        """
        try:
            self._send(self._state.unsent())  # what a killed run left behind
            self._around.progress.begin("joining", None, "messages")
            if self._join_until_silent():
                self._close_windows()
            self._commit()
            self._around.progress.end()
        finally:
            self._reader.close()

    def _join_until_silent(self) -> bool:
        """False: someone asked to stop."""
        timer, plan = self._around.timer, self._plan
        committed = timer()
        while not self._silence.over:
            if self._around.stop.asked:
                return False
            began = timer()
            messages = self._reader.poll(MOST, plan.commit_s)
            self._silence.lasted(timer() - began, messages)
            self._take_in(messages)
            if not self._reader.away:  # who is idle, the brokers must say
                self._advance(self._inputs.watermark(self._reader.ended))
            now = timer()
            if now - committed >= plan.commit_s or self._state.entries.full:
                self._commit()
                committed = now
        return True

    def _take_in(self, messages: Sequence[Message]) -> None:
        self._state.entries.load([message.key for message in messages if message.key is not None])
        for message in messages:
            self._inputs.passed(message)
            if reason := self._refused(message):
                self._joiner.counts[Fate.POISON] += 1
                self._dead.put(Poison(message, reason))
        self._around.progress.advance(len(messages), waiting=len(self._state.entries))

    def _refused(self, message: Message) -> str:
        """Give a message to the joiner, or say why it cannot be."""
        reason = refused(message, self._around.clock(), self._plan.max_ahead_s, needs_key=True)
        if reason:
            return reason
        if message.timestamp_ms is None:
            return "it has no event time"
        try:
            self._give(message, message.key or b"", message.timestamp_ms, message.value or b"")
        except DataError as exc:
            return str(exc)
        return ""

    def _give(self, message: Message, key: bytes, time_ms: int, value: bytes) -> None:
        if message.partition.topic == self._plan.impressions:
            self._joiner.impression(key, time_ms, unlabelled(value, time_ms, self._plan.rules.negative_rate))
        else:
            self._joiner.action(key, time_ms, kind_of(value))
        self._inputs.dated(message, time_ms)

    def _advance(self, watermark: int | None) -> None:
        """Close the windows that have passed, or up to a stop: the next run goes on with them."""
        while watermark is not None and not self._joiner.advance(watermark) and not self._around.stop.asked:
            self._commit()

    def _close_windows(self) -> None:
        """Nothing comes any more: who waits for an action waits in vain."""
        if (furthest := self._inputs.furthest) is not None:
            self._advance(self._plan.rules.closes(furthest))

    def _commit(self) -> None:
        """Keep what was done, then send what came of it, then let those see it who watch the log."""
        given, self._joiner.given = self._joiner.given, []
        leaving = [Leaving(one.key, one.time, labelled(one.value, one.label)) for one in given]
        self._state.commit(self._inputs.reached, self._joiner.watermark, leaving)
        self._send(leaving)
        self._reader.commit(self._inputs.next)

    def _send(self, leaving: Sequence[Leaving]) -> None:
        for one in leaving:
            self._writer.send(self._plan.output, one.value, key=one.key, timestamp_ms=one.time)
        if self._arrived():
            self._state.sent()

    def _arrived(self) -> bool:
        """Wait until the brokers have what was sent; False: a stop leaves it to the next run."""
        told = False
        while not self._writer.stored(_STORED_S):
            if self._around.stop.asked:
                return False
            if not told:
                self._around.progress.say(
                    f"{self._plan.output}: brokers have not stored examples for {_STORED_S:.0f} s: trying on"
                )
                told = True
        return True
