"""Progressive evaluation: what serving replicas say of a batch before it is learned.

Dawid 1984, "Present position and potential developments": judge forecasts by what was said before the
outcome was known.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from monolith.core.batch import Batch
from monolith.estimator.questions import Question, Questions, Replica
from monolith.metrics.tally import Tallies

NOBODY: Mapping[str, Replica] = MappingProxyType({})
Said = Callable[[str], None]


@attrs.frozen
class _Asked:
    batch: Batch
    questions: tuple[Question | None, ...]  # by replica; None: it was not worth asking


class Progressive:
    """Asks replicas about each batch as soon as it is read, and settles with them before it is learned.

    `prepare` makes the request, which all of them are sent. Nothing that a replica does, or does not do,
    ends a training or holds it up for longer than `timeout_s`, once, until it answers again.
    """

    def __init__(
        self,
        replicas: Mapping[str, Replica] = NOBODY,
        prepare: Callable[[Batch], Any] = lambda batch: batch,
        *,
        timeout_s: float = 1.0,
        say: Said = lambda _: None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._all = [Questions(name, one, timeout_s, say, timer) for name, one in replicas.items()]
        self._prepare = prepare
        self._waiting: deque[_Asked] = deque()

    def __bool__(self) -> bool:
        """Whether there is anybody to ask."""
        return bool(self._all)

    def ask(self, batch: Batch) -> None:
        """Ask about a batch that was just read, unless it is without rows. Does not wait."""
        if not (self and len(batch)):
            return
        due = [one.due for one in self._all]
        request = self._prepare(batch) if any(due) else None
        questions = (
            one.ask(request, len(batch)) if now else None for one, now in zip(self._all, due, strict=True)
        )
        self._waiting.append(_Asked(batch, tuple(questions)))

    def settle(self, batch: Batch) -> None:
        """Count what was predicted of `batch`, which is about to be learned.

        Batches are learned in the order in which they were asked about; who is passed over never will be.
        """
        if not self:
            return
        asked = self._waiting.popleft()
        while asked.batch is not batch:
            asked = self._waiting.popleft()
        for one, question in zip(self._all, asked.questions, strict=True):
            one.settle(question, batch)

    def close(self) -> None:
        """Say nothing any more of who answers and who does not."""
        for one in self._all:
            one.close()

    def window(self) -> Tallies:
        """What was settled since the last window, by replica."""
        return {one.name: one.taken() for one in self._all}
