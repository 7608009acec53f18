"""A small model that was really trained, its export, and a server of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from monolith.checkpoint.catalogue import Catalogue
from monolith.config.training import TrainingConfig
from monolith.core.arrays import Floats
from monolith.core.progress import Silent
from monolith.core.schema import Feature, Kind, Schema, Split
from monolith.data.convert import convert
from monolith.data.dataset import Dataset
from monolith.data.raw import Chunk
from monolith.estimator.columns import FeatureColumn
from monolith.estimator.estimator import Estimator
from monolith.estimator.exporter import ExportOptions, export, from_checkpoint
from monolith.estimator.model import MonolithModel
from monolith.estimator.trainer import assemble
from monolith.models.dcn import Dcn
from monolith.serving.server import ModelServer, ServerOptions
from monolith.table.pooling import Combiner
from monolith.testing.exports import write_tiny_export

SCHEMA = Schema(
    name="films",
    features=(
        Feature(name="user", kind=Kind.INTEGER, slot=1),
        Feature(name="device", kind=Kind.STRING, slot=2),
        Feature(name="genres", kind=Kind.STRING, slot=3, many=True),
        Feature(name="age", kind=Kind.FLOAT),
    ),
    split=Split(time="when"),
)
GENRES = ("noir", "comedy", "drama", "western")
ROWS = 400


class Mixed(Dcn):
    """Every combiner, two tables, a feature that is read twice."""

    hidden = (16, 8)

    def columns(self, schema: Schema) -> Sequence[FeatureColumn]:
        return [
            FeatureColumn("user", 8),
            FeatureColumn("device", 4),
            FeatureColumn("genres", 8, combiner=Combiner.MEAN),
            FeatureColumn("root_genres", 8, feature="genres", combiner=Combiner.SQRTN),
            FeatureColumn("first_genres", 8, feature="genres", combiner=Combiner.FIRST_N, max_length=2),
        ]


@dataclass(frozen=True)
class Trained:
    """What was trained, where it was exported, and what it says of the test rows."""

    dataset: Dataset
    run: Path  # checkpoints
    exported: Path
    rows: Sequence[Mapping[str, Any]]  # the raw values of the test rows
    predictions: Floats  # of these, by the estimator


def raw_columns() -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(3)
    genres = [rng.choice(GENRES, rng.integers(0, 4), replace=False) for _ in range(ROWS)]
    return {
        "user": rng.integers(0, 2**50, 30)[rng.integers(0, 30, ROWS)],  # above 2**48: hashed
        "device": rng.choice(["phone", "tv", "café"], ROWS).astype(object),
        "genres": np.array(["|".join(g) for g in genres], object),
        "age": rng.random(ROWS),
        "when": np.arange(ROWS),
        "label": np.array([float("noir" in g) for g in genres]),
    }


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("films")
    columns = raw_columns()
    dataset = convert(SCHEMA, lambda: [Chunk(columns, "memory")], folder / "data", Silent())
    config = TrainingConfig(
        model_dir=folder / "run", batch_size=32, epochs=20, dense_learning_rate=0.01, torch_threads=1
    )
    estimator = Estimator(Mixed(), dataset, config)
    estimator.train()
    predictions = np.concatenate(list(estimator.predict("test")))
    export_newest(Mixed(), folder / "run", folder / "films")
    return Trained(
        dataset, folder / "run", folder / "films", rows_for_test(columns, len(predictions)), predictions
    )


def rows_for_test(columns: Mapping[str, NDArray[Any]], count: int) -> list[dict[str, Any]]:
    """The last rows, which are the test split, as a person would write them."""
    return [
        {
            "user": int(columns["user"][row]),
            "device": columns["device"][row],
            "genres": [g for g in columns["genres"][row].split("|") if g],
            "age": float(columns["age"][row]),
        }
        for row in range(ROWS - count, ROWS)
    ]


def export_newest(
    model: MonolithModel, run: Path, output: Path, options: ExportOptions = ExportOptions()
) -> None:
    """What `monolith export` does with the newest checkpoint."""
    stored = Catalogue(run)
    manifest = stored.latest()
    assert manifest
    export(assemble(model, SCHEMA), from_checkpoint(stored, manifest), output, options)


def serving(model_path: Path, **more: Any) -> ModelServer:
    """A server on free ports of this machine; it looks for new versions all the time."""
    local = {"host": "127.0.0.1", "port": 0, "http_port": 0, "poll_s": 0.02}
    return ModelServer(ServerOptions(model_path=model_path, **{**local, **more}))


@pytest.fixture(scope="session")
def server(trained: Trained) -> Iterator[ModelServer]:
    with serving(trained.exported) as running:
        yield running


def version_folder(output: Path) -> Path:
    """The one version in `output`."""
    (folder,) = output.iterdir()
    return folder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with a tiny model in one version."""
    write_tiny_export(tmp_path / "tiny", 1)
    return tmp_path / "tiny"


@pytest.fixture
def running(models: Path) -> Iterator[ModelServer]:
    with serving(models) as server:
        yield server
