"""One worker's training, from the first look for a checkpoint to the last save.

A round is: train this worker's share of steps, then meet all the others. What they tell each other there
is all that coordinates them, so all of them know alike how far the job is and when it is over.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import torch

from monolith.checkpoint.claim import Claim
from monolith.checkpoint.manifest import Manifest
from monolith.config.training import TrainingConfig
from monolith.core.errors import ShardRestarted
from monolith.data.prefetch import prefetched
from monolith.data.reading import Source
from monolith.data.writing import BLOCK_ROWS
from monolith.estimator.archive import Archive
from monolith.estimator.around import Around
from monolith.estimator.meeting import Meeting
from monolith.estimator.model import MonolithModel
from monolith.estimator.own_code import blamed
from monolith.estimator.readings import begin_to_read, reading_to_judge, shared_anew
from monolith.estimator.rounds import STREAM_ROUND_S, Note, Pace, Place
from monolith.estimator.share import Share, Stretch
from monolith.estimator.tables import configs
from monolith.estimator.telling import Telling
from monolith.estimator.trainer import Trainer, assemble
from monolith.estimator.window import Known, Window
from monolith.metrics.streaming import Quality

if TYPE_CHECKING:
    from monolith.ps.blocking import BlockingClient

_LEARNS_BY = ("batch_size", "seed", "shuffle", "dense_learning_rate", "dense_sync_steps", "clip_norm")


@attrs.frozen(kw_only=True)
class TrainResult:
    """What a training came to; the same for all its workers."""

    global_step: int
    training: dict[str, float]  # figures of what was predicted before it was learned, over this run
    progressive: dict[str, Known]  # the same by who predicted, if replicas were asked
    evaluation: dict[str, float]  # figures on the validation split, if any; none after an early stop
    set_aside: int  # messages of a stream that could not be learned from, over this run
    stopped_early: bool
    seconds: float = attrs.field(eq=False)  # spent on this worker's steps, without saves and evaluation


class TrainingSession:
    """One worker's training. It blocks, so it runs in a thread where there is an event loop."""

    def __init__(
        self,
        model: MonolithModel,
        dataset: Source,
        client: BlockingClient,
        config: TrainingConfig,
        *,
        place: Place = Place(),
        around: Around | None = None,
    ) -> None:
        self._dataset, self._client, self._config, self._place = dataset, client, config, place
        self._meeting = Meeting(client, place, config.round_timeout_ms)
        self._around = around or Around()
        self._model_dir = Path(config.model_dir or ".")
        torch.set_num_threads(config.torch_threads or _share_of_cores(place))
        parts = assemble(model, dataset.schema, seed=config.seed)
        self._archive = Archive(self._model_dir, parts, client, max_to_keep=config.max_to_keep)
        with blamed(model.name, "in optimizer()"):
            optimizer = model.optimizer(parts.module.parameters(), config.dense_learning_rate)
        self._trainer = Trainer(
            parts,
            client,
            optimizer,
            clip_norm=config.clip_norm,
            sync_steps=config.dense_sync_steps,
            ahead=config.embedding_prefetch_capacity,
        )
        self._telling = Telling(self._model_dir, self._around)
        self._pace = Pace(save_steps=config.save_steps, target=config.train_steps)
        self._claim = Claim(self._model_dir)
        self._owning = contextlib.ExitStack()  # the claim, by the chief
        self._step = 0
        self._saved: int | None = None
        self._before: Manifest | None = None  # of the checkpoint that we go on from
        self._reading: list[bool] = []  # who has batches left

    def run(self) -> TrainResult:
        """Train until the data, the steps or someone's patience end; the last act is a checkpoint.

        Raises:
            ShardRestarted: a server lost its rows; it says which checkpoint to resume from.
            CheckpointMismatch: `model_dir` holds another model's checkpoints.
            CheckpointInUse: another training writes there.
            CheckpointError: it holds checkpoints, and the config says not to resume; or a save failed.
            RoundFailed: the chief could not do its part.
            ModelError: the loss is not a finite number.
        """
        with self._owning:
            try:
                self._begin()
                with contextlib.closing(self._telling), contextlib.closing(self._share()) as share:
                    result = self._rounds(share)
            except ShardRestarted as exc:
                raise ShardRestarted(exc.shard, checkpoint=self._archive.newest()) from exc
            share.end(self._step)
            return result

    def _begin(self) -> None:
        """Stand where the newest checkpoint left off, all workers alike."""
        self._client.create_tables(configs(self._trainer.parts.tables))
        step = self._meeting.chief_does("begin", self._take_up)
        self._trainer.dense.join(self._client)
        if step:
            self._step = self._saved = int(step)
            self._before = self._archive.load_optimizer(self._step, self._trainer.optimizer)

    def _take_up(self) -> bytes:
        """The chief's part: the step that servers and dense part stand at now, or nothing at the start."""
        self._owning.enter_context(self._claim)
        if not self._config.resume:
            self._archive.must_be_empty()
        manifest = self._archive.resume()
        self._archive.tell(manifest, self._around.progress)
        self._trainer.dense.replace(self._client)
        return str(manifest.step).encode() if manifest else b""

    def _share(self) -> Share:
        begun = begin_to_read(self._dataset, self._config, self._place, self._before)
        if begun.batches.total is None:
            self._pace = attrs.evolve(self._pace, lasts_s=STREAM_ROUND_S)
        elif self._before and not begun.exact and self._place.chief:
            self._around.progress.say(shared_anew(self._before))
        batches = prefetched(begun.batches, seen=self._around.progressive.ask)
        random = self._config.seed, self._place.worker
        return Share(self._trainer, batches, self._around, begun.bookmark, random=random)

    def _rounds(self, share: Share) -> TrainResult:
        whole, stopped = Window(begin=self._step, step=self._step), False
        over = self._pace.reached(self._step)
        self._reading = self._readers(share)
        self._around.progress.begin("training", self._expected(share), "batches")
        for number in itertools.count():
            if over:
                break
            notes = self._meet(number, share.train(self._stretch()))
            window = Window.of(whole.step, notes)
            whole = whole.plus(window)
            self._tell(window, whole)
            stopped = any(note.stopping for note in notes)
            over = stopped or self._pace.reached(self._step) or not any(self._reading)
            if (over or self._pace.saves(self._step, self._saved or 0)) and self._step != self._saved:
                self._save(number, notes, window.quality)
                share.saved()
            if self._around.dense_export:  # it may take seconds: what is learned is safe by then
                self._around.dense_export.offer(self._step, self._trainer.parts, last=over)
        self._around.progress.end()
        if not (whole.step > whole.begin or stopped):
            self._say_why_nothing_was_trained(share)
        return TrainResult(
            global_step=self._step,
            training=whole.quality.figures(),
            progressive=whole.known if whole.replicas else {},
            evaluation={} if stopped else self._evaluate("valid"),
            set_aside=whole.set_aside,
            stopped_early=stopped,
            seconds=share.seconds,
        )

    def _say_why_nothing_was_trained(self, share: Share) -> None:
        if self._place.chief:
            more = (
                "no message came that can be read"
                if share.endless
                else "more --epochs or --train-steps go on"
            )
            self._around.progress.say(f"nothing was left to train at step {self._step}: {more}")

    def _readers(self, share: Share) -> list[bool]:
        """Who has something to read, so that no step is counted for who has not."""
        said = self._meeting.gather("readers", b"" if share.left == 0 else b"some")
        idle = said.count(b"")
        if self._place.chief and 0 < idle < len(said):
            self._around.progress.say(
                f"{idle} of {len(said)} workers have nothing to read: the {self._dataset.rows('train'):,} "
                f"rows are shared out in blocks of up to {BLOCK_ROWS:,}"
            )
        return [some != b"" for some in said]

    def _stretch(self) -> Stretch:
        """How far this worker goes in the next round."""
        return Stretch(
            step=self._step,
            readers=sum(self._reading),
            batches=self._pace.shares(self._step, self._reading)[self._place.worker],
            lasts_s=self._pace.lasts_s,
        )

    def _meet(self, number: int, note: Note) -> list[Note]:
        """Hear from everyone, and take the dense values that all have now added to."""
        notes = [Note.from_bytes(data) for data in self._meeting.gather(f"round-{number}", note.to_bytes())]
        self._step += sum(note.steps for note in notes)
        self._reading = [not note.exhausted for note in notes]
        self._trainer.dense.join(self._client)
        return notes

    def _tell(self, window: Window, so_far: Window) -> None:
        if self._around.progressive and self._place.chief:
            self._telling.window(window, so_far)

    def _save(self, number: int, notes: Sequence[Note], quality: Quality) -> None:
        bookmarks = [note.bookmark for note in notes]
        learns = {name: getattr(self._config, name) for name in _LEARNS_BY}

        def save() -> bytes:
            if self._claim.renew():
                self._telling.close()  # its file may have gone with the folder
                self._around.progress.say(
                    f"{self._model_dir}: somebody took away its .lock, or the folder with what was saved "
                    "in it; claimed anew"
                )
            figures = quality.figures()
            self._telling.figures(self._step, "train", figures)
            self._archive.save(self._step, self._trainer.optimizer, bookmarks, figures, learns)
            return b""

        self._meeting.chief_does(f"saved-{number}", save)
        self._saved = self._step

    def _evaluate(self, split: str) -> dict[str, float]:
        """Figures of `split`, each worker seeing its part; nothing where the split has no rows."""
        if not self._dataset.rows(split):
            return {}
        reading = reading_to_judge(self._config, self._place, split)
        with contextlib.closing(prefetched(self._dataset.batches(reading))) as batches:
            part = self._trainer.judge(batches)
        quality = Quality.merged(map(Quality.from_bytes, self._meeting.gather("judged", part.to_bytes())))
        figures = quality.figures()
        if self._place.chief:
            self._telling.figures(self._step, split, figures)
        return figures

    def _expected(self, share: Share) -> int | None:
        """Batches that this worker will train, if nobody stops and all are equally fast."""
        left = share.left
        if self._pace.target is None:
            return left
        mine = math.ceil((self._pace.target - self._step) / self._place.num_workers)
        return mine if left is None else min(left, mine)


def _share_of_cores(place: Place) -> int:
    return max(1, len(os.sched_getaffinity(0)) // place.num_workers)
