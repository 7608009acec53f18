"""How the workers of a job share the data: what each of them reads, and where it goes on."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from monolith.config.training import TrainingConfig
from monolith.data.reading import Bookmark, Reading
from monolith.estimator.rounds import Place


def reading_to_train(config: TrainingConfig, place: Place, bookmark: Bookmark) -> Reading:
    """What the worker at `place` learns from, beginning at `bookmark`."""
    return Reading(
        split="train",
        batch_size=config.batch_size,
        seed=config.seed,
        shuffle=config.shuffle,
        worker=place.worker,
        num_workers=place.num_workers,
        # Where only the steps are limited, as many passes as steps are certainly enough.
        epochs=config.epochs or config.train_steps or 1,
        start=bookmark.position,
        offsets=bookmark.offsets,
    )


def reading_to_judge(config: TrainingConfig, place: Place, split: str) -> Reading:
    """The part of `split` by which the worker at `place` tells how good the model is."""
    return Reading(
        split=split,
        batch_size=config.batch_size,
        shuffle=False,
        worker=place.worker,
        num_workers=place.num_workers,
    )


@attrs.frozen(kw_only=True)
class Resumed:
    """Where a worker goes on reading. `exact`: just behind the last batch trained."""

    position: int
    exact: bool


def resume_at(positions: Mapping[int, int], then: int, now: int, place: Place) -> Resumed:
    """Where the worker at `place` goes on, after a job whose workers read to `positions`.

    `then` and `now` are the batch sizes. With as many workers and the same batch size it is exact. Else the
    examples read so far are shared evenly: each worker skips that much of its own, other, part of the data,
    so that about as much is left of the epoch as before, but some examples come twice and some not at all.
    """
    if then == now and len(positions) == place.num_workers:
        return Resumed(position=positions[place.worker], exact=True)
    examples = sum(positions.values()) * then
    return Resumed(position=examples // (now * place.num_workers), exact=False)
