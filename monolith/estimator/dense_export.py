"""The dense part as a version of its own, now and then, for who serves it with rows that are pushed.

Such a version has no embeddings: a replica takes it with the rows that it has.
"""

from __future__ import annotations

import copy
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import torch
from numpy.typing import NDArray

from monolith.core.errors import MonolithError, ServingError
from monolith.estimator.dense import module_tensors
from monolith.estimator.exporter import Trained, manifest_of
from monolith.estimator.onnx_graph import dense_graph
from monolith.serving.columns import empty_batch
from monolith.serving.export import ExportWriter
from monolith.serving.manifest import ExportManifest, read_manifest

if TYPE_CHECKING:
    from monolith.estimator.trainer import Assembled

SIGNATURE = "serving_default"  # where no version tells another
_GONE = ".gone"


@attrs.frozen(kw_only=True)
class Schedule:
    """At least `every_s` seconds apart; `keep` of them stay."""

    every_s: float
    keep: int = 3


class DenseExport:
    """Writes versions into `output`, each under a number above all that are there.

    What goes wrong is told once, ends nothing, and is tried again when the next one is due.
    """

    def __init__(
        self,
        output: Path,
        schedule: Schedule,
        *,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._output = output
        self._schedule = schedule
        self._say, self._clock, self._timer = say, clock, timer
        self._began = timer()  # the time since the last one, or the start
        self._step: int | None = None  # of the last one
        self._graph: Graph | None = None
        self._troubled = False

    def offer(self, step: int, parts: Assembled, *, last: bool) -> None:
        """Write a version of what `parts` are at `step`, if it is time to, or the `last` chance."""
        due = self._timer() - self._began >= self._schedule.every_s
        if not (due or last) or step == self._step:
            return
        self._began = self._timer()
        try:
            self._write(step, parts)
            self._step, self._troubled = step, False
        except (MonolithError, OSError) as exc:
            if not self._troubled:
                self._say(f"the dense part is not exported, until that can be done: {exc}")
            self._troubled = True

    def _write(self, step: int, parts: Assembled) -> None:
        self._graph = self._graph or Graph(parts)
        there = versions(self._output)
        version = max([step, *(number + 1 for number in there)])
        tensors = module_tensors(parts.module)
        trained = Trained(step=step, as_of_ms=int(1000 * self._clock()), rows=_nobody, dense=tensors)
        with ExportWriter(self._output, version) as writer:
            writer.add_dense(self._graph.of(tensors))
            writer.add_warmup([empty_batch(parts.schema, 1)])
            writer.commit(manifest_of(parts, trained, version, _signature(there)))
        prune(self._output, self._schedule.keep)


class Graph:
    """The graph of a model, made once: that takes seconds, and only its numbers change."""

    def __init__(self, parts: Assembled) -> None:
        """Raises as `dense_graph`."""
        import onnx

        # Making a graph leaves a module in evaluation mode, and may draw numbers: training shall not notice.
        still = attrs.evolve(parts, module=copy.deepcopy(parts.module))
        with torch.random.fork_rng(devices=[]):
            # Not optimized: every number is where the module has it, and nowhere else.
            self._model = onnx.load_from_string(dense_graph(still, optimize=False))

    def of(self, tensors: Mapping[str, NDArray[Any]]) -> bytes:
        """With these parameters and buffers, by name."""
        from onnx import numpy_helper

        for place in self._model.graph.initializer:
            array = tensors.get(place.name.removeprefix("module."))
            if array is not None:
                place.CopyFrom(numpy_helper.from_array(array, place.name))
        return bytes(self._model.SerializeToString(deterministic=True))


def versions(output: Path) -> dict[int, ExportManifest | None]:
    """What is in a folder of versions, by number; None where a manifest cannot be read."""
    folders = list(output.iterdir()) if output.is_dir() else []
    numbered = sorted(int(p.name) for p in folders if p.name.isascii() and p.name.isdecimal())
    return {number: _manifest(output / str(number)) for number in numbered}


def prune(output: Path, keep: int) -> None:
    """Remove versions without embeddings, but for the newest ones. They vanish at once, or not at all."""
    alone = [number for number, manifest in versions(output).items() if manifest and manifest.dense_only]
    for number in alone[:-keep]:
        (output / str(number)).rename(output / f".{number}{_GONE}")
    for folder in _left_over(output):
        shutil.rmtree(folder, ignore_errors=True)


def _left_over(output: Path) -> Iterator[Path]:
    return output.glob(f".*{_GONE}")


def _manifest(folder: Path) -> ExportManifest | None:
    try:
        return read_manifest(folder)
    except ServingError:
        return None


def _signature(there: Mapping[int, ExportManifest | None]) -> str:
    """That of the newest version: requests are for it."""
    told = [manifest.signature for manifest in there.values() if manifest]
    return told[-1] if told else SIGNATURE


def _nobody(table: str) -> Any:
    raise AssertionError(table)
