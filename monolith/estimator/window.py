"""A stretch of a training, and how good it was predicted before it was learned: by whom, told to whom."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import attrs

from monolith.config.progressive import TRAINER
from monolith.estimator.rounds import Note
from monolith.metrics.streaming import Quality
from monolith.metrics.tally import Tallies, merged

Known = dict[str, float | int | None]
_COUNTS = ("examples", "missed")


@attrs.frozen(kw_only=True)
class Window:
    """What was learned between two meetings of the workers, or in several such windows."""

    begin: int  # the global step
    step: int  # the same at its end
    event_time_s: int = 0  # of its latest example, since 1970; 0: they have none
    set_aside: int = 0  # messages that could not be learned from
    quality: Quality = attrs.field(factory=Quality)  # of the training's own predictions
    replicas: Tallies = attrs.field(factory=dict)

    @classmethod
    def of(cls, begin: int, notes: Sequence[Note]) -> Window:
        """The window that begins at a step, and that `notes` of all workers are about."""
        return cls(
            begin=begin,
            step=begin + sum(note.steps for note in notes),
            event_time_s=max(note.event_time_s for note in notes),
            set_aside=sum(note.set_aside for note in notes),
            quality=Quality.merged(note.quality for note in notes),
            replicas=merged(note.replicas for note in notes),
        )

    def plus(self, later: Window) -> Window:
        """It and the one behind it, as one."""
        return Window(
            begin=self.begin,
            step=later.step,
            event_time_s=max(self.event_time_s, later.event_time_s),
            set_aside=self.set_aside + later.set_aside,
            quality=Quality.merged([self.quality, later.quality]),
            replicas=merged([self.replicas, later.replicas]),
        )

    @property
    def empty(self) -> bool:
        return not (self.quality.examples or any(one.examples for one in self.replicas.values()))

    @property
    def figures(self) -> dict[str, dict[str, float]]:
        """By who predicted: what `Quality` and `Tally` tell, nan where nobody knows."""
        told = {name: tally.figures() for name, tally in self.replicas.items()}
        return {TRAINER: self.quality.figures(), **told}

    @property
    def known(self) -> dict[str, Known]:
        """The figures for programs: counts are whole numbers, and None is what nobody knows."""
        return {name: _known(figures) for name, figures in self.figures.items()}


def as_json(window: Window, time: float) -> dict[str, object]:
    """A window that was told at `time` as programs read it."""
    return {
        "time": time,
        "from": window.begin,
        "step": window.step,
        "event_time_ms": window.event_time_s * 1000 or None,
        "examples": window.quality.examples,
        "figures": window.known,
    }


def as_rows(window: Window, so_far: Window) -> list[dict[str, object]]:
    """A window as a table: a row for each who predicted, with the examples of his of the whole run."""
    whole = so_far.known
    return [
        {
            "by": name,
            "auc": figures["auc"],
            "logloss": figures["logloss"],
            "calibration": figures["calibration"],
            "s old": figures.get("staleness_s"),
            "missed": figures.get("missed"),
            "so far": whole[name]["examples"],
        }
        for name, figures in window.known.items()
    ]


def as_sentence(window: Window) -> str:
    """A window as a line to be read."""
    told = "; ".join(f"{name} {_told(figures)}" for name, figures in window.figures.items())
    return f"{window.quality.examples:,} examples up to step {window.step:,}, AUC and logloss: {told}"


def _told(figures: Mapping[str, float]) -> str:
    judged = math.isfinite(figures["logloss"])
    said = [f"{figures['auc']:.4f} {figures['logloss']:.4f}" if judged else "nothing"]
    if math.isfinite(staleness_s := figures.get("staleness_s", math.nan)):
        said.append(f"{staleness_s:.1f} s old")
    if missed := figures.get("missed"):
        said.append(f"{missed:,} missed")
    return ", ".join(said)


def _known(figures: Mapping[str, float]) -> Known:
    return {
        name: int(value) if name in _COUNTS else value if math.isfinite(value) else None
        for name, value in figures.items()
    }
