"""What one worker trains between two meetings: its share of a round."""

from __future__ import annotations

import math
from collections.abc import Iterator

import attrs
import numpy as np
import torch

from monolith.core.batch import Batch
from monolith.data.reading import Batches, Bookmark
from monolith.estimator.around import Around
from monolith.estimator.hooks import HookAction, HookList, Metrics
from monolith.estimator.rounds import Note
from monolith.estimator.trainer import Asked, Trainer
from monolith.metrics.streaming import Quality


@attrs.frozen(kw_only=True)
class Stretch:
    """How far a worker goes in a round."""

    step: int  # the global step it begins at
    readers: int  # workers that train beside it, itself included
    batches: int | None  # None: all there are
    lasts_s: float | None  # None: as long as it takes


class Share:
    """One worker's batches, and what it does with them; its part of the data, from `bookmark` on."""

    def __init__(
        self,
        trainer: Trainer,
        batches: Batches,
        around: Around,
        bookmark: Bookmark,
        *,
        random: tuple[int, int],  # the seed, and what tells this worker from the others
    ) -> None:
        self._trainer, self._batches, self._around, self._bookmark = trainer, batches, around, bookmark
        self._seed, self._worker = random
        self._hooks = HookList(around.hooks)
        self._given = 0  # batches trained
        self._set_aside = 0  # messages, up to the last round
        self._ended = False  # what we read
        self._metrics: Metrics | None = None
        self.seconds = 0.0  # spent on steps

    @property
    def endless(self) -> bool:
        """Whether nobody knows when it ends."""
        return self._batches.total is None

    @property
    def left(self) -> int | None:
        """Batches that are left to read; None: nobody knows."""
        return None if self._batches.total is None else self._batches.total - self._bookmark.position

    def train(self, stretch: Stretch) -> Note:
        """Do what is ours of a round. Nothing is left under way: each round begins with rows as they are."""
        quality, steps, stopping, latest = Quality(), 0, False, 0
        _seed(self._seed, stretch.step, self._worker)
        began = self._around.timer()
        for asked in self._trainer.asked(self._read(stretch)):
            step = stretch.step + steps * stretch.readers  # as if all were equally fast
            stopping = self._step(asked, step, quality) or self._around.stop.asked
            latest = max(latest, int(asked.batch.known_times.max()))
            steps += 1
            if stopping:
                break
        self._trainer.sync()
        self.seconds += self._around.timer() - began
        self._given += steps
        self._bookmark = self._batches.bookmark(self._given)
        return Note(
            bookmark=self._bookmark,
            steps=steps,
            exhausted=self._ended or self.left == 0,
            stopping=stopping or self._around.stop.asked,
            set_aside=self._newly_set_aside(),
            quality=quality,
            replicas=self._around.progressive.window(),
            event_time_s=latest,
        )

    def saved(self) -> None:
        """A checkpoint holds all that was trained."""
        self._batches.saved(self._given)

    def end(self, step: int) -> None:
        """The training is over, at this global step."""
        self._hooks.end(step, self._metrics)

    def close(self) -> None:
        self._batches.close()

    def _newly_set_aside(self) -> int:
        before, self._set_aside = self._set_aside, self._batches.set_aside
        return self._set_aside - before

    def _step(self, asked: Asked, step: int, quality: Quality) -> bool:
        """Train one batch; whether a hook wants no more. Who was asked about it must have answered before."""
        self._hooks.before_step(step)
        self._around.progressive.settle(asked.batch)
        loss = self._trainer.train(asked, step, quality)
        self._metrics = Metrics(loss, quality)
        self._around.progress.advance(1, loss=loss)
        return self._hooks.after_step(step, self._metrics) is HookAction.STOP

    def _read(self, stretch: Stretch) -> Iterator[Batch]:
        """So many batches, or fewer where the data, the time or patience end."""
        left, until = stretch.batches, self._around.timer() + (stretch.lasts_s or math.inf)
        while left != 0 and self._around.timer() < until and not self._around.stop.asked:
            batch = next(self._batches, None)
            if batch is None:
                self._ended = True
                return
            left = left and left - (len(batch) > 0)
            yield batch


def _seed(*what: int) -> None:
    """Begin every round at a place of its own in the random sequence: a resumed round draws the same."""
    torch.manual_seed(int(np.random.SeedSequence(what).generate_state(1, np.uint64)[0]))
