"""`monolith checkpoint ls | show | verify`: what a model directory holds, and whether it is sound."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import attrs

from monolith.checkpoint.catalogue import Catalogue, Stored
from monolith.checkpoint.manifest import Manifest
from monolith.cli.command import Command, Report, Table, Ui
from monolith.config.checks import given
from monolith.config.settings import Settings, setting
from monolith.core.errors import CheckpointError, CheckpointNotFound
from monolith.core.progress import Progress

_SOUND = "complete"


@attrs.frozen(kw_only=True)
class LsSettings(Settings):
    """Which model."""

    model_dir: Path | None = setting(
        None, "Folder of the checkpoints.", check=given, positional=True, short="-d", alias="--model-dir"
    )


@attrs.frozen(kw_only=True)
class ShowSettings(LsSettings):
    """Which model, which checkpoint."""

    step: int | None = setting(None, "Its step; default: the newest complete one.", group="checkpoint")


@attrs.frozen(kw_only=True)
class VerifySettings(LsSettings):
    """Which model, which checkpoints."""

    step: int | None = setting(None, "Only this one; default: all.", group="checkpoint")


def ls(settings: LsSettings, _ui: Ui) -> Report:
    """One line a checkpoint; status 1 if one is damaged."""
    catalogue = _catalogue(settings)
    found = catalogue.list()
    return Report(
        title=f"checkpoints in {catalogue.model_dir}",
        table=Table(("step", "state", "bytes", "shards", "rows", "model"), [_line(each) for each in found]),
        status=0 if all(each.complete for each in found) else 1,
    )


def show(settings: ShowSettings, ui: Ui) -> Report:
    """All that a manifest says."""
    catalogue = _catalogue(settings)
    manifest = catalogue.latest() if settings.step is None else catalogue.get(settings.step)
    catalogue.tell(ui.progress)
    if manifest is None:
        raise CheckpointNotFound("no checkpoint was ever committed here", path=catalogue.model_dir)
    files = [(e.name, e.kind, e.table, e.count, e.size, f"{e.crc32c:08x}") for e in manifest.files]
    return Report(
        title=f"checkpoint-{manifest.step} in {catalogue.model_dir}",
        figures=_figures(manifest),
        table=Table(("file", "kind", "table", "rows", "bytes", "crc32c"), files),
    )


def verify(settings: VerifySettings, ui: Ui) -> Report:
    """Read every file of every checkpoint; status 1 if one is damaged, with a line for each damaged file."""
    catalogue = _catalogue(settings)
    damage = _damage(catalogue, settings.step, ui.progress)
    lines = [line for step, problems in damage.items() for line in _verdict(step, problems)]
    return Report(
        title=f"checkpoints in {catalogue.model_dir}",
        table=Table(("step", "state"), lines),
        status=1 if any(damage.values()) else 0,
    )


def _catalogue(settings: LsSettings) -> Catalogue:
    assert settings.model_dir is not None  # checked by the setting
    if not settings.model_dir.is_dir():
        raise CheckpointNotFound("there is no such folder", path=settings.model_dir)
    return Catalogue(settings.model_dir)


def _line(stored: Stored) -> Sequence[object]:
    state = str(stored.problem or _SOUND)
    if stored.manifest is None:
        return (stored.step, state, None, None, None, None)
    manifest = stored.manifest
    return (stored.step, state, manifest.size, manifest.shards, manifest.rows, manifest.model)


def _damage(
    catalogue: Catalogue, step: int | None, progress: Progress
) -> dict[int, Sequence[CheckpointError]]:
    """What is wrong with each checkpoint, or with that of `step`."""
    if step is not None:
        return {step: catalogue.verify(step, progress)}
    damage = {}
    for each in catalogue.list():
        with suppress(CheckpointNotFound):  # a training pruned it meanwhile
            damage[each.step] = catalogue.verify(each.step, progress)
    return damage


def _verdict(step: int, problems: Sequence[CheckpointError]) -> list[tuple[int, str]]:
    return [(step, str(problem)) for problem in problems] or [(step, _SOUND)]


def _figures(manifest: Manifest) -> dict[str, object]:
    return {
        "step": manifest.step,
        "model": manifest.model,
        "rows": manifest.rows,
        "bytes": manifest.size,
        "shards": manifest.shards,
        "workers": manifest.num_workers,
        **{f"batches_of_worker_{worker}": count for worker, count in manifest.position.items()},
        **_quality(manifest),
        "tables": ", ".join(sorted(manifest.tables)),
        "folder": manifest.folder,
    }


def _quality(manifest: Manifest) -> dict[str, object]:
    """How well was predicted, before it was learned, what was learned since the checkpoint before."""
    figures = {f"train_{name}": value for name, value in manifest.quality.items()}
    examples = figures.pop("train_examples", None)
    return {**figures, **({} if examples is None else {"examples": int(examples)})}


LS = Command(LsSettings, ls)
SHOW = Command(ShowSettings, show)
VERIFY = Command(VerifySettings, verify)
