"""A whole job in one process: the tables inside, the same training as with servers."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from monolith.checkpoint.store import CheckpointStore
from monolith.config.building import checked
from monolith.config.runner import RunConfig, RunnerConfig
from monolith.config.training import TrainingConfig
from monolith.core.arrays import Floats
from monolith.core.errors import ConfigError
from monolith.data.dataset import Dataset
from monolith.data.prefetch import prefetched
from monolith.data.reading import Batches, Reading
from monolith.estimator.archive import Archive
from monolith.estimator.around import Around
from monolith.estimator.model import MonolithModel
from monolith.estimator.session import TrainingSession, TrainResult
from monolith.estimator.tables import configs
from monolith.estimator.trainer import Predictor, assemble
from monolith.ps.blocking import BlockingClient
from monolith.ps.shard import LocalShard


@attrs.frozen(kw_only=True)
class EvalResult:
    """How good the model of a checkpoint is on a split."""

    global_step: int
    figures: dict[str, float]


class Estimator:
    """Train, evaluate and use a model in this process. What it learned is in `config.model_dir`.

    Raises:
        ConfigError: a setting cannot be.
    """

    def __init__(
        self, model: MonolithModel, dataset: Dataset, config: TrainingConfig, *, around: Around | None = None
    ) -> None:
        self._model, self._dataset, self._config = model, dataset, checked(config)
        self._around = around or Around()
        self._model_dir = Path(config.model_dir or ".")

    @classmethod
    def of_config(
        cls, model: MonolithModel, dataset: Dataset, config: RunnerConfig | RunConfig, **training: Any
    ) -> Estimator:
        """An estimator with `model_dir`, log interval and prefetching of `config`; `training` has the rest.

        A RunConfig without a GPU prefetches one batch at least, as everywhere.
        """
        runner = config.to_runner_config() if isinstance(config, RunConfig) else config
        taken = runner.to_estimator_config()
        told = {
            "model_dir": taken["model_dir"],
            "log_steps": taken["log_step_count_steps"],
            "embedding_prefetch_capacity": runner.embedding_prefetch_capacity,
        }
        return cls(model, dataset, TrainingConfig(**{**told, **training}))

    def train(self, *, steps: int | None = None, max_steps: int | None = None) -> TrainResult:
        """Train `steps` more batches, or until the global step is `max_steps`, whichever comes first.

        With neither, the config says how far. Goes on from the newest checkpoint. Raises as TrainingSession.
        """
        config = attrs.evolve(self._config, train_steps=self._target(steps, max_steps))
        with self._client() as client:
            return TrainingSession(self._model, self._dataset, client, config, around=self._around).run()

    def evaluate(self, split: str = "valid", *, steps: int | None = None) -> EvalResult:
        """Figures of the newest checkpoint on `split`, or on its first `steps` batches.

        Raises:
            CheckpointNotFound: nothing was trained yet.
            CheckpointMismatch: the checkpoint is another model's.
        """
        with self._trained() as (step, predictor), self._batches(split) as batches:
            quality = predictor.judge(itertools.islice(batches, steps))
        return EvalResult(global_step=step, figures=quality.figures())

    def train_and_evaluate(self, *, steps: int, evaluations: int, split: str = "valid") -> list[EvalResult]:
        """Train `steps` more batches and evaluate, `evaluations` times or until a training stops early.

        Raises:
            ConfigError: `evaluations` is not at least 1.
        """
        if evaluations < 1:
            raise ConfigError([f"evaluations={evaluations}: Evaluation error: No evaluation was performed"])
        results: list[EvalResult] = []
        for _ in range(evaluations):
            trained = self.train(steps=steps)
            results.append(self.evaluate(split))
            if trained.stopped_early:
                break
        return results

    def predict(self, split: str = "test") -> Iterator[Floats]:
        """Predictions of the newest checkpoint for `split`, batch by batch in the split's order.

        Raises as `evaluate`.
        """
        with self._trained() as (_, predictor), self._batches(split) as batches:
            yield from map(predictor.predict, batches)

    def _target(self, steps: int | None, max_steps: int | None) -> int | None:
        if steps is None:
            return self._config.train_steps if max_steps is None else max_steps
        target = self._step() + steps
        return target if max_steps is None else min(target, max_steps)

    def _step(self) -> int:
        manifest = CheckpointStore(self._model_dir, model=self._model.name).latest()
        return manifest.step if manifest else 0

    def _batches(self, split: str) -> contextlib.closing[Batches]:
        reading = Reading(split=split, batch_size=self._config.batch_size, shuffle=False)
        return contextlib.closing(prefetched(self._dataset.batches(reading)))

    def _client(self) -> BlockingClient:
        return BlockingClient.local([LocalShard(0, seed=self._config.seed)])

    @contextlib.contextmanager
    def _trained(self) -> Iterator[tuple[int, Predictor]]:
        """The newest checkpoint's step, and its model over tables of its own."""
        parts = assemble(self._model, self._dataset.schema, seed=self._config.seed)
        with self._client() as client:
            client.create_tables(configs(parts.tables))
            archive = Archive(self._model_dir, parts, client)
            manifest = archive.restore_newest()
            archive.store.tell(self._around.progress)
            yield manifest.step, Predictor(parts, client)
