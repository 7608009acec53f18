"""How the workers of a job share the data: what each of them reads, and where it goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

import attrs

from monolith.checkpoint.manifest import Manifest
from monolith.config.training import TrainingConfig
from monolith.data.reading import Batches, Bookmark, Reading, Source
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
class Begun:
    """What a worker learns from, and where that begins. `exact`: just behind the last batch trained."""

    batches: Batches
    bookmark: Bookmark
    exact: bool = True


def begin_to_read(dataset: Source, config: TrainingConfig, place: Place, before: Manifest | None) -> Begun:
    """The batches of the worker at `place`: from the first one on, or from where the job `before` stood.

    A stream goes on at its offsets. A dataset, which has epochs, goes on from as far as the job was in one.
    """
    first = reading_to_train(config, place, Bookmark())
    if before is None:
        return Begun(batches=dataset.batches(first), bookmark=Bookmark())
    about = _resumed(before, first, even_share)
    bookmark = Bookmark(position=about.position, offsets=before.offsets)
    batches = dataset.batches(reading_to_train(config, place, bookmark))
    if batches.total is None:
        return Begun(batches=batches, bookmark=bookmark)
    here = _resumed(before, first, share_of(dataset))
    if here.position != about.position:
        batches.close()
        bookmark = attrs.evolve(bookmark, position=here.position)
        batches = dataset.batches(reading_to_train(config, place, bookmark))
    return Begun(batches=batches, bookmark=bookmark, exact=here.exact)


def _resumed(before: Manifest, reading: Reading, per_epoch: Callable[[Reading], float]) -> Resumed:
    return resume_at(before.position, before.config["batch_size"], reading, per_epoch)


@attrs.frozen(kw_only=True)
class Resumed:
    """Where a worker goes on reading. `exact`: just behind the last batch trained."""

    position: int
    exact: bool


def resume_at(
    positions: Mapping[int, int], then: int, reading: Reading, per_epoch: Callable[[Reading], float]
) -> Resumed:
    """Where the worker of `reading` goes on, after a job whose workers read to `positions`.

    `then` was the batch size; `per_epoch` tells the batches of an epoch of a reading. With as many workers
    and the same batch size it is exact, and so it is between two epochs. Else each skips as large a part of
    its own, other, share of the epoch as all have read of theirs: some examples come twice and some not at
    all.
    """
    if then == reading.batch_size and len(positions) == reading.num_workers:
        return Resumed(position=positions[reading.worker], exact=True)
    before = attrs.evolve(reading, batch_size=then, worker=0, num_workers=len(positions))
    theirs = {worker: per_epoch(attrs.evolve(before, worker=worker)) for worker in positions}
    read, whole = sum(positions.values()), sum(theirs.values())
    if not whole:
        return Resumed(position=0, exact=True)
    epochs = read // whole
    exact = all(positions[worker] == epochs * theirs[worker] for worker in positions)
    return Resumed(position=int(read * per_epoch(reading) / whole), exact=exact)


def even_share(reading: Reading) -> float:
    """An epoch of `reading`, in batches of some size, where all workers have as much to read."""
    return 1 / (reading.batch_size * reading.num_workers)


def share_of(dataset: Source) -> Callable[[Reading], int]:
    """What tells the batches of an epoch of a reading of `dataset`."""

    def per_epoch(reading: Reading) -> int:
        with contextlib.closing(dataset.batches(attrs.evolve(reading, epochs=1))) as batches:
            return batches.total or 0

    return per_epoch


def shared_anew(before: Manifest) -> str:
    """What is to be said where a worker does not go on exactly."""
    return (
        f"checkpoint-{before.step} was written with {before.num_workers} workers and batches of "
        f"{before.config['batch_size']}: the data is shared out anew, so that some examples of "
        "this epoch come twice and some not at all"
    )
