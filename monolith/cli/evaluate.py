"""`monolith evaluate`: how good a trained model is on data it has not seen."""

from __future__ import annotations

from pathlib import Path

import attrs

from monolith.cli.command import Command, Report, Ui
from monolith.config.checks import given, one_of, positive
from monolith.config.settings import Settings, setting


@attrs.frozen(kw_only=True)
class EvaluateSettings(Settings):
    """Which model, which data."""

    # fmt: off
    data: Path | None = setting(None, "Dataset folder.", group="data", check=given)
    model_dir: Path | None = setting(None, "Folder of the checkpoints.", group="model", short="-d",
                                     check=given)
    split: str = setting("test", "Which rows.", group="data", check=one_of("train", "valid", "test"))
    batch_size: int = setting(4096, "Examples in a batch.", group="data", short="-b", check=positive)
    # fmt: on


def evaluate(settings: EvaluateSettings, ui: Ui) -> Report:
    """Figures of the newest checkpoint on one split."""
    from monolith.models.registry import check_torch, load_model

    check_torch()
    from monolith.checkpoint.catalogue import Catalogue
    from monolith.config.training import TrainingConfig
    from monolith.core.errors import CheckpointNotFound
    from monolith.data.dataset import Dataset
    from monolith.estimator.around import Around
    from monolith.estimator.estimator import Estimator

    model_dir = settings.model_dir or Path()
    manifest = Catalogue(model_dir).latest()
    if manifest is None:
        raise CheckpointNotFound("no checkpoint here: train first", path=model_dir)
    config = TrainingConfig(model_dir=model_dir, batch_size=settings.batch_size)
    dataset = Dataset.open(settings.data or ".")
    around = Around(progress=ui.progress, stop=ui.stop)
    result = Estimator(load_model(manifest.model)(), dataset, config, around=around).evaluate(settings.split)
    examples = int(result.figures["examples"])
    figures = {"model": manifest.model, "step": result.global_step, "split": settings.split}
    return Report(title="evaluation", figures={**figures, **result.figures, "examples": examples})


EVALUATE = Command(EvaluateSettings, evaluate)
