"""One session of training, as every command that trains runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from monolith.cli.command import Report, Table
from monolith.config.job import RoleSettings
from monolith.config.progressive import PROGRESSIVE
from monolith.core.progress import Progress
from monolith.core.stop import Stop

if TYPE_CHECKING:
    from monolith.estimator.dense_export import DenseExport
    from monolith.estimator.progressive import Progressive
    from monolith.estimator.rounds import Place
    from monolith.estimator.session import TrainResult
    from monolith.ps.blocking import BlockingClient

Figures = dict[str, object]
DEAD_LETTERS = "dead-letters"  # folder in the model's, of messages that could not be learned from


def train_here(
    settings: RoleSettings, client: BlockingClient, place: Place, progress: Progress, stop: Stop
) -> Figures:
    """Train as one worker, and give the figures of the report. Blocks. Raises as TrainingSession."""
    from monolith.models.registry import check_torch, load_model

    check_torch()
    from monolith.data.dataset import Dataset
    from monolith.data.streams.streamed import redirected
    from monolith.estimator.around import Around
    from monolith.estimator.hooks import LoggingHook
    from monolith.estimator.session import TrainingSession

    model = load_model(settings.model)()
    dead = Path(settings.model_dir or ".") / DEAD_LETTERS
    source = redirected(Dataset.open(settings.data or "."), settings, dead, progress.say)
    hooks = [LoggingHook(progress.say, settings.log_steps)] if place.chief else []
    with _progressive(settings, progress.say) as progressive:
        dense = _dense_export(settings, progress.say) if place.chief else None
        around = Around(
            progress=progress, stop=stop, hooks=hooks, progressive=progressive, dense_export=dense
        )
        result = TrainingSession(model, source, client, settings, place=place, around=around).run()
    return _figures(settings, result)


def training_report(title: str, figures: Figures) -> Report:
    """What `train_here` gave, for who reads it; of everyone who predicted a row."""
    rows = figures.get(PROGRESSIVE)
    if not isinstance(rows, list):
        return Report(title=title, figures=figures)
    rest = {name: value for name, value in figures.items() if name != PROGRESSIVE}
    table = Table(tuple(rows[0]), [tuple(row.values()) for row in rows], key=PROGRESSIVE)
    return Report(title=title, figures=rest, table=table)


@contextmanager
def _progressive(settings: RoleSettings, say: Callable[[str], None]) -> Iterator[Progressive]:
    """The replicas of the settings, as one asks them."""
    from monolith.estimator.progressive import Progressive

    if not settings.progressive_replicas:
        yield Progressive()
        return
    from functools import partial

    from monolith.serving.asking import GrpcReplica, request_about

    timeout_s = settings.progressive_timeout_ms / 1000
    model = settings.progressive_model_name or settings.parameter_sync_model_name
    asked = {
        target.name: GrpcReplica(str(target.address), timeout_s=timeout_s)
        for target in settings.progressive_replicas
    }
    with ExitStack() as unwind:
        for replica in asked.values():
            unwind.callback(replica.close)
        progressive = Progressive(asked, partial(request_about, model), timeout_s=timeout_s, say=say)
        unwind.callback(progressive.close)
        yield progressive


def _dense_export(settings: RoleSettings, say: Callable[[str], None]) -> DenseExport | None:
    """What writes the dense part while training goes on, if it is asked for."""
    if settings.dense_export_path is None:
        return None
    from monolith.estimator.dense_export import DenseExport, Schedule

    schedule = Schedule(every_s=settings.dense_export_interval_secs, keep=settings.dense_export_keep)
    return DenseExport(settings.dense_export_path, schedule, say=say)


def _figures(settings: RoleSettings, result: TrainResult) -> Figures:
    examples = result.training["examples"]
    return {
        "model": settings.model,
        "steps": result.global_step,
        "examples": int(examples),
        **({"set_aside": result.set_aside} if settings.topics else {}),
        "examples_per_s": examples / result.seconds if result.seconds else 0.0,
        **_of("train", result.training),
        **_of("valid", result.evaluation),
        "stopped_early": result.stopped_early,
        "saved": f"{settings.model_dir}/checkpoint-{result.global_step}.json",
        **({PROGRESSIVE: _rows(result)} if result.progressive else {}),
    }


def _rows(result: TrainResult) -> list[Figures]:
    of_replicas = ("staleness_s", "missed")  # the training itself has neither
    return [
        {"predicted_by": name, **known, **{figure: known.get(figure) for figure in of_replicas}}
        for name, known in result.progressive.items()
    ]


def _of(split: str, figures: dict[str, float]) -> Figures:
    return {f"{split}_{name}": value for name, value in figures.items() if name != "examples"}
