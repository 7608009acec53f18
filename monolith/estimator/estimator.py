"""A whole job in one process: the tables inside, the same training as with servers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from monolith.config.job import RunConfig
from monolith.core.arrays import Floats
from monolith.data.dataset import Dataset
from monolith.estimator.hooks import Hook
from monolith.estimator.model import MonolithModel
from monolith.estimator.session import Around, TrainResult


@attrs.frozen(kw_only=True)
class EvalResult:
    """How good the model of a checkpoint is on a split."""

    global_step: int
    figures: dict[str, float]


class Estimator:
    """Train, evaluate and use a model in this process. What it learned is in `config.model_dir`."""

    def __init__(
        self, model: MonolithModel, dataset: Dataset, config: RunConfig, *, around: Around | None = None
    ) -> None: ...

    def train(self, *, steps: int | None = None, max_steps: int | None = None) -> TrainResult:
        """Train `steps` more batches, or until the global step is `max_steps`, whichever comes first."""
        raise NotImplementedError

    def evaluate(self, split: str = "valid", *, steps: int | None = None) -> EvalResult:
        """Figures of the newest checkpoint on `split`, or on its first `steps` batches."""
        raise NotImplementedError

    def predict(self, split: str = "test") -> Iterator[Floats]:
        """Predictions of the newest checkpoint for `split`, batch by batch in the split's order."""
        raise NotImplementedError
