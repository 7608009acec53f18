"""What is exported says the same as what was trained: for every built-in model, and in few bits too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monolith.config.training import TrainingConfig
from monolith.core.batch import Batch
from monolith.data.reading import Reading
from monolith.estimator.estimator import Estimator
from monolith.estimator.exporter import ExportOptions
from monolith.models.registry import BUILT_IN, load_model
from monolith.serving.model import ServingModel
from tests.integration.serving.conftest import Mixed, Trained, export_newest, version_folder


@pytest.fixture
def batch(trained: Trained) -> Batch:
    return next(iter(trained.dataset.batches(Reading(split="test", batch_size=1000, shuffle=False))))


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_model_serves_what_it_predicts(
    name: str, trained: Trained, batch: Batch, tmp_path: Path
) -> None:
    model = load_model(name)
    config = TrainingConfig(model_dir=tmp_path / "run", batch_size=32, epochs=3, torch_threads=1)
    estimator = Estimator(model(), trained.dataset, config)
    estimator.train()
    meant = np.concatenate(list(estimator.predict("test")))
    export_newest(model(), tmp_path / "run", tmp_path / "served")
    found = ServingModel.load(version_folder(tmp_path / "served")).predict(batch).outputs["prediction"]
    assert meant.std() > 0.01
    np.testing.assert_allclose(found, meant, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("bits", "close"), [(8, 0.02), (16, 1e-4)])
def test_few_bits_change_little(
    bits: int, close: float, trained: Trained, batch: Batch, tmp_path: Path
) -> None:
    export_newest(Mixed(), trained.run, tmp_path, ExportOptions(bits=bits))
    model = ServingModel.load(version_folder(tmp_path))
    off = np.abs(model.predict(batch).outputs["prediction"] - trained.predictions)
    assert 0 < off.max() < close


def test_same_checkpoint_gives_the_same_bytes(trained: Trained, tmp_path: Path) -> None:
    export_newest(Mixed(), trained.run, tmp_path)
    first, second = version_folder(trained.exported), version_folder(tmp_path)
    assert {p.name: p.read_bytes() for p in first.iterdir()} == {
        p.name: p.read_bytes() for p in second.iterdir()
    }
