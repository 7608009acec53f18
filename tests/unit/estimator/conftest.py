"""A small dataset in memory whose labels follow from its ids."""

import numpy as np
import pytest

from monolith.config.training import TrainingConfig
from monolith.core.batch import Batch, Ragged
from monolith.core.fids import make_fid
from monolith.core.progress import Silent
from monolith.core.schema import Feature, Schema
from monolith.data.reading import Bookmark

SCHEMA = Schema(
    name="toy",
    features=[
        Feature(name="user", kind="integer", slot=1),
        Feature(name="item", kind="integer", slot=2),
        Feature(name="tags", kind="integer", slot=3, many=True),
        Feature(name="age", kind="float", width=2),
    ],
)
ROWS = {"train": 400, "valid": 100, "test": 50}


class Talk(Silent):
    """A listener that remembers what is said."""

    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


class Reader:
    """What `Batches` promises, over a list."""

    set_aside = 0

    def __init__(self, batches, start):
        self.total, self.position, self._rest = len(batches), start, iter(batches[start:])
        self._start = start

    def __iter__(self):
        return self

    def __next__(self):
        batch = next(self._rest)
        self.position += 1
        return batch

    def bookmark(self, given):
        return Bookmark(position=self._start + given)

    def saved(self, given):
        pass

    def close(self):
        self._rest = iter(())


class MemoryDataset:
    """What the estimator asks of a Dataset."""

    schema = SCHEMA

    def __init__(self, rows=ROWS):
        self._rows = rows

    def rows(self, split):
        return self._rows[split]

    def batches(self, reading):
        batches = []
        for epoch in range(reading.epochs):
            ids = np.arange(self._rows[reading.split])
            if reading.shuffle:
                ids = np.random.default_rng([reading.seed, epoch]).permutation(ids)
            mine = ids[reading.worker :: reading.num_workers]
            cuts = range(0, len(mine), reading.batch_size)
            batches += [batch_of(reading.split, mine[at : at + reading.batch_size]) for at in cuts]
        return Reader(batches, min(reading.start, len(batches)))


def batch_of(split: str, rows: np.ndarray) -> Batch:
    """The rows of the split with these numbers; the same number is the same row, in whatever batch."""
    draws = [np.random.default_rng([len(split), int(row)]) for row in rows]
    user, item = (np.array([draw.integers(0, 20) for draw in draws]) for _ in range(2))
    lengths = np.array([draw.integers(0, 4) for draw in draws])
    tags = np.concatenate([draw.integers(0, 5, n) for draw, n in zip(draws, lengths, strict=True)])
    ones = np.arange(len(rows) + 1)
    return Batch(
        {
            "user": Ragged(make_fid(1, user), ones),
            "item": Ragged(make_fid(2, item), ones),
            "tags": Ragged(make_fid(3, tags.astype(np.int64)), np.concatenate([[0], np.cumsum(lengths)])),
        },
        {"age": np.array([draw.random(2) for draw in draws], np.float32)},
        (user + item >= 20).astype(np.float32),
        np.ones(len(rows), np.float32),
    )


@pytest.fixture
def dataset():
    return MemoryDataset()


@pytest.fixture
def config(tmp_path):
    """Ten batches an epoch, checkpoints every four."""
    return TrainingConfig(
        model_dir=tmp_path / "model",
        batch_size=40,
        save_steps=4,
        torch_threads=1,
        epochs=2,
        round_timeout_ms=20_000,
    )
