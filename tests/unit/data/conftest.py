"""Small datasets, written once for all tests of this room."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from monolith.core.progress import Silent
from monolith.core.schema import Feature, Label, Schema, Split
from monolith.data import writing
from monolith.data.convert import convert
from monolith.data.dataset import Dataset
from monolith.data.raw import Chunk

ROWS = 230

SCHEMA = Schema(
    name="small",
    features=(
        Feature(name="row", kind="integer", slot=1),
        Feature(name="tags", kind="integer", slot=2, many=True),
        Feature(name="size", kind="float"),
    ),
    label=Label(column="label"),
    split=Split(valid=0.0, test=0.0),
)


def columns(rows=ROWS):
    """Row i has the id i, i % 3 tags, and the label i."""
    return {
        "row": np.arange(rows),
        "tags": np.array(["|".join(map(str, range(i % 3))) for i in range(rows)], object),
        "size": np.arange(rows) / 2,
        "label": np.arange(rows),
    }


def chunked(held, size=50):
    """`held` as `convert` reads it, `size` rows at a time."""
    rows = len(next(iter(held.values())))
    return lambda: (
        Chunk({name: values[at : at + size] for name, values in held.items()}, "memory", at + 1)
        for at in range(0, rows, size)
    )


@pytest.fixture(scope="package", autouse=True)
def small_blocks():
    """Ten rows a record, three records a file: a few rows have the shape of millions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "BLOCK_ROWS", 10)
        patch.setattr(writing, "PART_BLOCKS", 3)
        yield


@pytest.fixture(scope="package")
def stored(small_blocks, tmp_path_factory):
    """A dataset to read; who wants to damage it takes `dataset`."""
    return convert(SCHEMA, chunked(columns()), tmp_path_factory.mktemp("data") / "small", Silent())


@pytest.fixture
def dataset(stored, tmp_path):
    """A dataset of one's own."""
    return Dataset.open(shutil.copytree(stored.folder, tmp_path / "small"))


def labels(batches):
    return [label for batch in batches for label in batch.labels.tolist()]
