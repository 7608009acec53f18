"""One session of training, as every command that trains runs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from monolith.config.job import RoleSettings
from monolith.core.progress import Progress
from monolith.core.stop import Stop

if TYPE_CHECKING:
    from monolith.estimator.rounds import Place
    from monolith.estimator.session import TrainResult
    from monolith.ps.blocking import BlockingClient

Figures = dict[str, object]
DEAD_LETTERS = "dead-letters"  # folder in the model's, of messages that could not be learned from


def train_here(
    settings: RoleSettings, client: BlockingClient, place: Place, progress: Progress, stop: Stop
) -> Figures:
    """Train as one worker, and give the figures of the report. Blocks. Raises as TrainingSession."""
    from monolith.data.dataset import Dataset
    from monolith.data.streams.streamed import redirected
    from monolith.estimator.hooks import LoggingHook
    from monolith.estimator.session import Around, TrainingSession
    from monolith.models.registry import load_model

    model = load_model(settings.model)()
    dead = Path(settings.model_dir or ".") / DEAD_LETTERS
    source = redirected(Dataset.open(settings.data or "."), settings, dead, progress.say)
    hooks = [LoggingHook(progress.say, settings.log_steps)] if place.chief else []
    around = Around(progress=progress, stop=stop, hooks=hooks)
    result = TrainingSession(model, source, client, settings, place=place, around=around).run()
    return _figures(settings, result)


def _figures(settings: RoleSettings, result: TrainResult) -> Figures:
    examples = result.training["examples"]
    return {
        "model": settings.model,
        "steps": result.global_step,
        "examples": int(examples),
        "examples_per_s": examples / result.seconds if result.seconds else 0.0,
        **_of("train", result.training),
        **_of("valid", result.evaluation),
        "stopped_early": result.stopped_early,
        "saved": f"{settings.model_dir}/checkpoint-{result.global_step}.json",
    }


def _of(split: str, figures: dict[str, float]) -> Figures:
    return {f"{split}_{name}": value for name, value in figures.items() if name != "examples"}
