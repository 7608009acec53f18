"""`monolith data join`: impressions and actions of two topics, as labelled examples in a third."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from monolith.cli.command import Command, Report, Ui
from monolith.config.checks import given, not_negative, positive
from monolith.config.settings import Problem, setting
from monolith.config.stream import KafkaConfig

if TYPE_CHECKING:
    from monolith.data.joining.pump import Plan
    from monolith.data.joining.state import JoinState

_STATE, _DEAD = "state.sqlite3", "dead-letters.jsonl"


def _chance(value: float) -> str | None:
    return None if 0 < value <= 1 else "must be above 0 and at most 1"


@attrs.frozen(kw_only=True)
class JoinSettings(KafkaConfig):
    """Which topics, and what belongs together."""

    # fmt: off
    kafka_servers: str | None = setting(None, "Kafka's brokers, host:port,host:port.", check=given,
                                        alias="--servers", group="stream")
    kafka_patience_secs: float = setting(300.0, "How long all brokers may be away while it joins.",
                                         group="stream", check=positive)
    impressions: str = setting("", "Topic of what was shown: an Example each, with a key and a time.",
                               check=given, group="stream")
    actions: str = setting("", 'Topic of what was done about it: {"kind": "click"}, with the same key.',
                           check=given, group="stream")
    output: str = setting("", "Topic of the labelled examples.", check=given, group="stream")
    state: Path | None = setting(None, "Folder of what must not be forgotten; of each joiner its own.",
                                 check=given)
    window_secs: float = setting(600.0, "How long after an impression an action counts, in event time.",
                                 check=positive, group="join")
    lateness_secs: float = setting(60.0, "By how much the messages of a partition may be out of order.",
                                   check=not_negative, group="join")
    keep_secs: float = setting(3_600.0, "How long after its window a key is remembered, for late actions and "
                               "repeats.", check=not_negative, group="join")
    idle_secs: float = setting(30.0, "How long to wait for a partition of which nothing comes.",
                               check=positive, group="join")
    positive: tuple[str, ...] = setting((), "Kind of action that makes an example positive; default: all.",
                                        group="join")
    negative_rate: float = setting(1.0, "The part of the negatives that is kept; the loss corrects for it.",
                                   check=_chance, group="join")
    seed: int = setting(0, "Which negatives are kept.", check=not_negative, group="join")
    memory_mb: int = setting(256, "Keys in memory; the others are in the state's folder.",
                             check=not_negative, group="join")
    max_ahead_secs: float = setting(3_600.0, "Messages of a later event time than so far in the future are "
                                    "set aside.", group="stream", check=not_negative)
    end_after_secs: float | None = setting(None, "End after so long without a message, and call negative "
                                           "what still waits; default: never.", group="stream")
    # fmt: on

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        if self.output in (self.impressions, self.actions) or self.impressions == self.actions:
            yield Problem(("impressions", "actions", "output"), "must be three topics")
        if self.end_after_secs is not None and self.end_after_secs <= 0:
            yield Problem(("end_after_secs",), "must be > 0")

    @property
    def plan(self) -> Plan:
        from monolith.data.joining.pump import Plan  # with all that reads messages
        from monolith.data.joining.rules import Rules

        return Plan(
            impressions=self.impressions,
            actions=self.actions,
            output=self.output,
            rules=Rules(
                window_ms=_ms(self.window_secs),
                keep_ms=_ms(self.keep_secs),
                negative_rate=self.negative_rate,
                seed=self.seed,
                positive_kinds=frozenset(self.positive),
            ),
            lateness_ms=_ms(self.lateness_secs),
            idle_s=self.idle_secs,
            silence_s=self.end_after_secs,
            max_ahead_s=self.max_ahead_secs,
        )


def run(settings: JoinSettings, ui: Ui) -> Report:
    """Join until Ctrl-C, SIGTERM or silence; tell what became of every message."""
    from monolith.data.joining.pump import Around, Pump
    from monolith.data.joining.state import JoinState
    from monolith.data.streams.cluster import kafka_log
    from monolith.data.streams.dead_letters import DeadLetters

    assert settings.state is not None
    plan, say = settings.plan, ui.progress.say
    log = kafka_log(settings, say, patience_s=settings.kafka_patience_secs)
    plan.check(log)  # else a slip of the hand would be kept in the state
    memory = settings.memory_mb << 20
    with JoinState(settings.state / _STATE, plan.fixed, memory_bytes=memory) as state:
        dead = DeadLetters(settings.state / _DEAD, say)
        Pump(log, plan, state, dead, Around(progress=ui.progress, stop=ui.stop, clock=ui.outside.clock)).run()
        return Report(title=f"{plan.output}, since {settings.state} was begun", figures=_figures(state))


def _figures(state: JoinState) -> dict[str, object]:
    from monolith.data.joining.joiner import Fate

    counts = {str(fate): state.counts[fate] for fate in Fate}
    return {**counts, "keys_remembered": len(state.entries), "event_time": _date(state.watermark)}


def _date(ms: int) -> str | None:
    """None: it has not begun."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat() if ms >= 0 else None


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


JOIN = Command(JoinSettings, run, graceful=True)
