"""What is in a dataset, for people: its first rows, and figures of each split and feature."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import numpy as np

from monolith.core.arrays import Fids
from monolith.core.batch import Batch, Ragged
from monolith.core.errors import DataError, MissingExtra
from monolith.core.fids import slot_of, value_of
from monolith.core.progress import Progress
from monolith.data.dataset import SPLITS, Dataset
from monolith.data.reading import Reading

_BATCH = 65_536


@attrs.frozen
class SplitFigures:
    """One split."""

    split: str
    rows: int
    label_mean: float  # of a binary label: the share of positives; NaN without rows


@attrs.frozen
class FeatureFigures:
    """One sparse feature, over all splits."""

    feature: str
    slot: int
    ids: int  # in all rows together
    distinct: int
    empty_rows: int  # rows without an id


@attrs.frozen
class Figures:
    """A dataset."""

    splits: tuple[SplitFigures, ...]
    features: tuple[FeatureFigures, ...]


def head(dataset: Dataset, split: str, rows: int) -> Iterator[tuple[float, float, str]]:
    """Label, weight and features of the first rows of `split`, as they are stored; ids as slot:value."""
    for batch in dataset.batches(Reading(split=split, batch_size=max(rows, 1), shuffle=False)):
        yield from (_shown(batch, row) for row in range(min(rows, len(batch))))
        return


def figures(dataset: Dataset, progress: Progress) -> Figures:
    """Read every row once and count."""
    progress.begin("counting", sum(dataset.rows(split) for split in SPLITS), "rows")
    counts = {f.name: _Count() for f in dataset.schema.sparse}
    splits = tuple(_split(dataset, split, counts, progress) for split in SPLITS)
    progress.end()
    features = tuple(
        FeatureFigures(f.name, f.slot, counts[f.name].ids, len(counts[f.name].distinct), counts[f.name].empty)
        for f in dataset.schema.sparse
    )
    return Figures(splits, features)


def plot(told: Figures, path: Path) -> None:
    """Draw the figures into a file whose suffix says the format.

    Raises:
        MissingExtra: matplotlib is not installed.
        DataError: the suffix is of no format, or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as exc:
        raise MissingExtra("drawing", "plot") from exc
    drawing = Figure(figsize=(10, 4), layout="constrained")
    left, right = drawing.subplots(1, 2)
    left.bar([s.split for s in told.splits], [s.label_mean for s in told.splits])
    left.set_title("mean label")
    right.barh([f.feature for f in told.features], [f.distinct for f in told.features], log=True)
    right.set_title("distinct ids")
    try:
        drawing.savefig(path)
    except (OSError, ValueError) as exc:
        raise DataError(f"cannot be drawn ({exc})", path=path) from exc


class _Count:
    """Ids of one feature so far."""

    def __init__(self) -> None:
        self.ids = self.empty = 0
        self.distinct: Fids = np.empty(0, np.int64)

    def add(self, ids: Ragged) -> None:
        self.ids += len(ids.fids)
        self.empty += int((ids.lengths == 0).sum())
        self.distinct = np.union1d(self.distinct, ids.fids)


def _split(dataset: Dataset, split: str, counts: dict[str, _Count], progress: Progress) -> SplitFigures:
    rows, total = 0, 0.0
    for batch in dataset.batches(Reading(split=split, batch_size=_BATCH, shuffle=False)):
        rows += len(batch)
        total += float(batch.labels.sum(dtype=np.float64))
        for name, count in counts.items():
            count.add(batch.sparse[name])
        progress.advance(len(batch))
    return SplitFigures(split, rows, total / rows if rows else float("nan"))


def _shown(batch: Batch, row: int) -> tuple[float, float, str]:
    ids = [f"{name} {_pairs(held, row)}" for name, held in batch.sparse.items()]
    numbers = [f"{name} " + " ".join(f"{v:g}" for v in held[row]) for name, held in batch.dense.items()]
    return float(batch.labels[row]), float(batch.weights[row]), ", ".join(ids + numbers)


def _pairs(held: Ragged, row: int) -> str:
    fids = held.fids[held.row_splits[row] : held.row_splits[row + 1]]
    pairs = zip(slot_of(fids).tolist(), value_of(fids).tolist(), strict=True)
    return " ".join(f"{slot}:{value}" for slot, value in pairs)
