"""Questions to one replica: asked early, waited for briefly, and not at all while it is away."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from monolith.core.batch import Batch
from monolith.core.errors import told
from monolith.metrics.tally import Tally

if TYPE_CHECKING:
    from monolith.serving.asking import Answer

ASK_AGAIN_S = 3.0  # of one that is away: less than a window of a stream, so that none passes without it
STEADY_S = 30.0  # who was there for so long before it is away has not relapsed
LONGEST_PAUSE_S = 300.0


class Replica(Protocol):
    """Predicts what it is asked, some time."""

    def ask(self, request: Any) -> Future[Answer]:
        """Begin to ask. What the answer fails with says why."""


class Question(NamedTuple):
    """What was asked of one batch, and until when its answer is waited for."""

    answer: Future[Answer]
    until: float


class Questions:
    """What one replica is asked, batch by batch, and what its answers come to.

    It is away from the first answer that fails, or does not come within `timeout_s`, until the next that is
    good. While it is away it is asked now and then, and what has come by the time it is needed counts:
    nobody waits. One that relapses stays away for a pause at least, which doubles each time: however it
    behaves, few waits are in vain. One thread asks, another settles.
    """

    def __init__(
        self,
        name: str,
        replica: Replica,
        timeout_s: float,
        say: Callable[[str], None],
        timer: Callable[[], float],
    ) -> None:
        self.name = name
        self._replica = replica
        self._timeout_s = timeout_s
        self._say = say
        self._timer = timer
        self._tally = Tally()
        self._asked_at = -math.inf
        self._away = False
        self._turned_at = -math.inf
        self._pause_s = 0.0  # how long it stays away at least
        self._turning = threading.Lock()

    @property
    def due(self) -> bool:
        """Whether it is to be asked about the next batch."""
        return not self._away or self._timer() >= self._asked_at + ASK_AGAIN_S

    def ask(self, request: Any, rows: int) -> Question:
        """Ask about a batch of so many rows."""
        self._asked_at = self._timer()
        answer = self._replica.ask(request)
        answer.add_done_callback(partial(self._heard, rows))
        return Question(answer, self._asked_at + self._timeout_s)

    def settle(self, question: Question | None, batch: Batch) -> None:
        """Count what was predicted of `batch`, before it is learned: what comes later has come too late."""
        if question is None or not self._answered(question) or _complaint(question.answer, len(batch)):
            self._tally.missed += len(batch)
            return
        answer = question.answer.result()
        self._tally.quality.update(answer.predictions, batch.labels, batch.standing_weights)
        self._tally.staleness_s = answer.staleness_s

    def taken(self) -> Tally:
        """What was settled since this was asked last."""
        tally, self._tally = self._tally, Tally()
        return tally

    def close(self) -> None:
        """Nobody is interested any more: what is told of what is still under way would only confuse."""
        self._say = lambda _: None

    def _answered(self, question: Question) -> bool:
        """Whether the answer is there, after a while if it is worth waiting for."""
        patience_s = 0.0 if self._away else max(0.0, question.until - self._timer())
        if wait([question.answer], patience_s).done:
            return True
        self._turn(f"no answer within {self._timeout_s:g} s")
        return False

    def _heard(self, rows: int, answer: Future[Answer]) -> None:
        self._turn(_complaint(answer, rows))

    def _turn(self, complaint: str) -> None:
        """It is away for this reason, or, without one, is there."""
        with self._turning:
            now = self._timer()
            since_s = now - self._turned_at
            if bool(complaint) is self._away or (self._away and since_s < self._pause_s):
                return
            if complaint:
                self._pause_s = self._next_pause_s(since_s)
            self._away = bool(complaint)
            self._turned_at = now
        self._say(f"{self.name} {_told(complaint, self._pause_s)}")

    def _next_pause_s(self, there_s: float) -> float:
        """That of one that goes away after so long: a slip is forgiven, a relapse costs what a wait does."""
        if there_s >= STEADY_S:
            return 0.0
        return min(max(2 * self._pause_s, self._timeout_s), LONGEST_PAUSE_S)


def _told(complaint: str, pause_s: float) -> str:
    if not complaint:
        return "predicts again"
    again = f"does not predict, and is asked again every {ASK_AGAIN_S:g} s"
    trusted = f", and not waited for in the next {pause_s:g} s" if pause_s else ""
    return f"{again}{trusted}: {complaint}"


def _complaint(answer: Future[Answer], rows: int) -> str:
    """What is wrong with an answer that is there; nothing is the empty text."""
    if answer.cancelled():
        return "nobody listened"
    if error := answer.exception():
        return told(error)
    predictions = answer.result().predictions
    if predictions.shape != (rows,):
        return f"it gave predictions of shape {predictions.shape} for {rows} rows"
    if not ((predictions >= 0) & (predictions <= 1)).all():
        return "its predictions are not all in 0..1"
    return ""
