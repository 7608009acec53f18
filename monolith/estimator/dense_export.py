"""The dense part as a version of its own, now and then, for who serves it with rows that are pushed.

Such a version has no embeddings: a replica takes it with the rows that it has.
"""

from __future__ import annotations

import copy
import itertools
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import torch
from numpy.typing import NDArray

from monolith.core.errors import told
from monolith.estimator.dense import module_tensors
from monolith.estimator.exporter import Trained, manifest_of
from monolith.estimator.onnx_graph import dense_graph
from monolith.serving.columns import empty_batch
from monolith.serving.export import ExportWriter
from monolith.serving.manifest import ExportManifest, find_manifest, version_folders

if TYPE_CHECKING:
    from monolith.estimator.trainer import Assembled

SIGNATURE = "serving_default"  # where no version tells another
_GONE, _PART = ".gone", ".dense"  # names of what leaves, and of what is not whole yet, end so
_UNWRITTEN = "the dense part is not exported, until that can be done"
_UNPRUNED = "old versions of the dense part stay, until they can be removed"


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
        self._troubles: frozenset[str] = frozenset()  # that were told and are not over

    def offer(self, step: int, parts: Assembled, *, last: bool) -> None:
        """Write a version of what `parts` are at `step`, if it is time to, or the `last` chance."""
        due = self._timer() - self._began >= self._schedule.every_s
        if not (due or last) or step == self._step:
            return
        self._began = self._timer()
        try:
            alone = self._write(step, parts)
        except Exception as exc:  # whatever a model's own code or the exporter raises: training goes on
            self._tell(_UNWRITTEN, told(exc) or type(exc).__name__)
            return
        self._step = step
        self._tell(_UNWRITTEN, "")
        self._tell(_UNPRUNED, "; ".join(prune(self._output, alone[: -self._schedule.keep])))

    def _tell(self, trouble: str, why: str) -> None:
        """Tell of a trouble once, until it is over: then there is no `why`."""
        if why and trouble not in self._troubles:
            self._say(f"{trouble}: {why}")
        self._troubles = self._troubles | {trouble} if why else self._troubles - {trouble}

    def _write(self, step: int, parts: Assembled) -> list[int]:
        """Returns the versions without embeddings that are there now, the oldest first."""
        self._graph = self._graph or Graph(parts)
        there = versions(self._output)
        version = max([step, *(number + 1 for number in there)])
        tensors = module_tensors(parts.module)
        trained = Trained(step=step, as_of_ms=int(1000 * self._clock()), rows=_nobody, dense=tensors)
        with ExportWriter(self._output, version, part=_PART) as writer:
            writer.add_dense(self._graph.of(tensors))
            writer.add_warmup([empty_batch(parts.schema, 1)])
            writer.commit(manifest_of(parts, trained, version, _signature(there)))
        return [*(number for number, found in there.items() if found and found.dense_only), version]


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
    folders = version_folders(output) if output.is_dir() else {}
    return {number: find_manifest(folders[number]) for number in sorted(folders)}


def prune(output: Path, old: Iterable[int]) -> list[str]:
    """Remove `old` versions, each at once or not at all, and what who was killed left of others.

    Returns why some are still there.
    """
    failures = _failures(partial(_vanish, output / str(number)) for number in old)
    try:
        left = list(_left_over(output))
    except OSError as exc:
        return [*failures, str(exc)]
    return failures + _failures(partial(shutil.rmtree, folder) for folder in left)


def _vanish(version: Path) -> None:
    version.rename(version.with_name(f".{version.name}{_GONE}"))


def _failures(deeds: Iterable[Callable[[], object]]) -> list[str]:
    """What the disk says of those that it does not do."""
    found = []
    for deed in deeds:
        try:
            deed()
        except OSError as exc:
            found.append(str(exc))
    return found


def _left_over(output: Path) -> Iterator[Path]:
    return itertools.chain(output.glob(f".*{_GONE}"), output.glob(f".*{_PART}"))


def _signature(there: Mapping[int, ExportManifest | None]) -> str:
    """That of the newest version: requests are for it."""
    told = [manifest.signature for manifest in there.values() if manifest]
    return told[-1] if told else SIGNATURE


def _nobody(table: str) -> Any:
    raise AssertionError(table)
