"""Figures of a training, as they come: for TensorBoard, for programs, and for who watches."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from monolith.checkpoint.boundary import saving
from monolith.config.progressive import PROGRESSIVE
from monolith.core.errors import CheckpointError
from monolith.core.lines import append_line
from monolith.estimator.around import Around
from monolith.estimator.window import Window, as_json, as_rows, as_sentence
from monolith.metrics.events import EventWriter


class Telling:
    """Tells figures into `model_dir` and to who is `around`, until it is closed.

    That some cannot be written is said once, and ends nothing.
    """

    def __init__(self, model_dir: Path, around: Around) -> None:
        self._model_dir = model_dir
        self._around = around
        self._events: EventWriter | None = None
        self._troubled = False

    def figures(self, step: int, what: str, figures: Mapping[str, float]) -> None:
        """Write the figures of `what` for TensorBoard."""
        known = {f"{what}/{name}": value for name, value in figures.items() if math.isfinite(value)}
        folder = self._model_dir / "events"
        with self._trying(folder):
            self._events = self._events or EventWriter(folder, self._around.clock)
            self._events.scalars(step, known)

    def window(self, window: Window, so_far: Window) -> None:
        """Tell a window, if it has examples."""
        if window.empty:
            return
        self._around.progress.show(as_sentence(window), as_rows(window, so_far))
        for name, figures in window.figures.items():
            self.figures(window.step, f"{PROGRESSIVE}/{name}", figures)
        line = json.dumps(as_json(window, self._around.clock()))
        with self._trying(self._model_dir):
            append_line(self._model_dir / f"{PROGRESSIVE}.jsonl", line.encode())

    def close(self) -> None:
        """Of what could not be written, somebody was told then: it must not hide what went wrong first.

        What is told after it goes to a new file.
        """
        if self._events:
            with suppress(OSError):
                self._events.close()
        self._events = None

    @contextmanager
    def _trying(self, folder: Path) -> Iterator[None]:
        try:
            with saving(folder):
                yield
        except CheckpointError as exc:
            if not self._troubled:
                self._around.progress.say(f"figures are lost: {exc}")
            self._troubled = True
