"""What checkpoints a model directory holds, and which of them can be trusted. Only reads.

The largest step whose manifest is whole, and whose files are there with the right sizes, is the latest. The
files' checksums are compared where the files are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import attrs
from numpy.typing import NDArray

from monolith.checkpoint.boundary import loading
from monolith.checkpoint.fit import must_be_of
from monolith.checkpoint.layout import dense_name, manifest_name, manifest_step, prefix
from monolith.checkpoint.manifest import Manifest
from monolith.checkpoint.tensorfile import check_size, read_tensors, verify_file
from monolith.core.errors import (
    CheckpointError,
    CheckpointFormat,
    CheckpointInaccessible,
    CheckpointIncomplete,
    CheckpointNotFound,
    CheckpointUnreadable,
)
from monolith.core.progress import Progress, Silent

DAMAGE = (CheckpointUnreadable, CheckpointIncomplete)
_WITHHELD = (CheckpointFormat, CheckpointInaccessible)  # it may be whole
_UNREADABLE = (*DAMAGE, *_WITHHELD)  # what is told of one checkpoint, and keeps nobody from the others
_WAIT = "Nothing was changed: try again once it can be read, or move its checkpoint away to do without."
SAME_PATH = "Every parameter server must see the model directory under the same path."
T = TypeVar("T")


@attrs.frozen
class Stored:
    """A checkpoint as it was found: without `problem`, manifest and files are there with the right sizes."""

    step: int
    manifest: Manifest | None
    problem: CheckpointError | None = None

    @property
    def complete(self) -> bool:
        return self.problem is None

    @property
    def withheld(self) -> CheckpointError | None:
        """The problem, if it may be whole all the same: nobody passes it over, and nobody deletes it."""
        return self.problem if isinstance(self.problem, _WITHHELD) else None


class Catalogue:
    """The checkpoints of one model directory.

    Raises:
        CheckpointFormat: wherever a manifest must be read that another release has written.
        CheckpointInaccessible: wherever the system cannot read what must be read.
        CheckpointMismatch: one is read that is not `model`'s, if one is given.
    """

    def __init__(self, model_dir: Path | str, *, model: str = "") -> None:
        self.model_dir = Path(model_dir)
        self._model = model
        self._passed_over: dict[int, CheckpointError] = {}

    @property
    def warnings(self) -> Sequence[str]:
        """What had to be passed over when the newest was last looked for, a sentence for each."""
        return [
            f"{prefix(step)} is damaged and was passed over: {problem}"
            for step, problem in self._passed_over.items()
        ]

    def tell(self, progress: Progress) -> None:
        """Say the `warnings`."""
        for warning in self.warnings:
            progress.say(warning)

    def list(self) -> Sequence[Stored]:
        """Every checkpoint that has a manifest, by ascending step; what cannot be read says why."""
        found = [self._look(step) for step in self._steps()]
        still = self._steps()  # what was pruned meanwhile is not damaged
        return [each for each in found if each.step in still]

    def latest(self) -> Manifest | None:
        """The newest complete checkpoint; None if none was ever committed. Raises as `newest`."""
        return self.newest(lambda manifest: manifest)

    def newest(self, load: Callable[[Manifest], T]) -> T | None:
        """What `load` makes of the newest checkpoint that it can read; None if there is none at all.

        Where `load` finds damage the checkpoint before is tried, and `warnings` tells. A training may save
        and prune meanwhile: what is gone, or another one by now, is no damage, and what is new is tried too.

        Raises:
            CheckpointIncomplete: a server misses a file that is here.
            CheckpointUnreadable: there are checkpoints, and none can be read.
        """
        self._passed_over.clear()
        while fresh := [step for step in self._steps() if step not in self._passed_over]:
            step, manifest = fresh[-1], None
            try:
                manifest = self._read(manifest_name(step))
                self._check_sizes(manifest)
                return load(manifest)
            except _UNREADABLE as exc:
                if not self._is_still(step, manifest):
                    continue
                _must_be_damage(exc)
                self._passed_over[step] = exc
        if self._passed_over:
            raise CheckpointUnreadable(
                f"none of its checkpoints can be used ({self.warnings[0]})", path=self.model_dir
            )
        return None

    def get(self, step: int) -> Manifest:
        """The manifest of `step`, whether or not its files are there.

        Raises:
            CheckpointNotFound: there is none.
            CheckpointUnreadable: it is damaged.
        """
        if step not in (steps := self._steps()):
            there = ", ".join(map(str, steps)) or "none"
            raise CheckpointNotFound(f"no checkpoint of step {step} (steps: {there})", path=self.model_dir)
        return self._read(manifest_name(step))

    def folder(self, manifest: Manifest) -> Path:
        """Where the manifest's files are."""
        return self.model_dir / manifest.folder

    def written_ms(self, manifest: Manifest) -> int:
        """When the first of its files was complete, unix milliseconds; 0 if none is there."""
        files = [self.folder(manifest) / entry.name for entry in manifest.files]
        return min((file.stat().st_mtime_ns // 1_000_000 for file in files if file.exists()), default=0)

    def load_dense(self, manifest: Manifest, part: str = "dense") -> dict[str, NDArray[Any]]:
        """The tensors that `write_dense` wrote as `part`.

        Raises:
            CheckpointNotFound: the checkpoint has no such part.
            CheckpointIncomplete, CheckpointUnreadable: its file is missing or damaged.
        """
        for entry in manifest.files:
            if entry.name == dense_name(part):
                return read_tensors(self.folder(manifest), entry)
        raise CheckpointNotFound(f"{prefix(manifest.step)} has no part {part!r}", path=self.model_dir)

    def verify(self, step: int, progress: Progress | None = None) -> Sequence[CheckpointError]:
        """Read every file of `step` and compare checksums; gives what is wrong, file by file.

        Raises:
            CheckpointNotFound: there is no such checkpoint, or none any more.
        """
        manifest = None
        try:
            manifest = self.get(step)
            problems = list(self._damage(manifest, progress or Silent()))
        except _UNREADABLE as exc:
            problems = [exc]
        if problems and not self._is_still(step, manifest):
            return self.verify(step, progress)
        return problems

    def _damage(self, manifest: Manifest, progress: Progress) -> Iterator[CheckpointError]:
        progress.begin(f"verify {prefix(manifest.step)}", manifest.size, "bytes")
        try:
            for entry in manifest.files:
                try:
                    verify_file(self.folder(manifest), entry, progress)
                except _UNREADABLE as exc:
                    yield exc
        finally:
            progress.end()

    def _steps(self) -> Sequence[int]:
        names: Sequence[str] = ()
        with suppress(CheckpointIncomplete), loading(self.model_dir):  # no folder, no checkpoints
            names = [path.name for path in self.model_dir.iterdir()]
        return sorted(step for name in names if (step := manifest_step(name)) is not None)

    def _look(self, step: int) -> Stored:
        manifest = None
        try:
            manifest = self._read(manifest_name(step))
            self._check_sizes(manifest)
        except _UNREADABLE as exc:
            return Stored(step, manifest, exc)
        return Stored(step, manifest)

    def _is_still(self, step: int, seen: Manifest | None) -> bool:
        """Neither pruned meanwhile nor saved again: what NFS deletes while it is read is stale, say."""
        with suppress(CheckpointError):  # what was told first counts
            return step in self._steps() and self._read(manifest_name(step)) == seen
        return True

    def _check_sizes(self, manifest: Manifest) -> None:
        for entry in manifest.files:
            check_size(self.folder(manifest), entry)

    def _read(self, name: str) -> Manifest:
        path = self.model_dir / name
        with loading(path):
            content = path.read_bytes()
        manifest = Manifest.from_json(content, path)
        if self._model:
            must_be_of(manifest, self._model, self.model_dir)
        return manifest


def _must_be_damage(exc: CheckpointError) -> None:
    """Raise what says nothing about the checkpoint itself, with what to do about it."""
    if isinstance(exc, CheckpointIncomplete) and Path(exc.path).exists():
        exc.add_note(SAME_PATH)  # a server misses what we do see
        raise exc
    if isinstance(exc, CheckpointInaccessible):
        exc.add_note(_WAIT)
    if isinstance(exc, _WITHHELD):
        raise exc
