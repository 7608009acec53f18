"""Saving checkpoints so that there is always one to go back to.

A save is: `begin` gives an empty folder; the servers and the chief write and fsync their files in it;
`commit` fsyncs the folder, gives it its name, then puts the manifest in place by rename. Until that there is
no checkpoint, after it there is a whole one. What a manifest names is never written again: not even by a
server that was frozen in the middle of a save and wakes after another took its place, for the folder that it
knows is gone. What is deleted loses its manifest first.
"""

from __future__ import annotations

import errno
import functools
import secrets
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path

import attrs

from monolith.checkpoint.boundary import saving
from monolith.checkpoint.catalogue import DAMAGE, SAME_PATH, Catalogue, Stored, T
from monolith.checkpoint.files import FileEntry
from monolith.checkpoint.layout import (
    STATE,
    aside_name,
    aside_step,
    dense_name,
    folder_name,
    folder_names,
    is_part,
    manifest_name,
    part_name,
    prefix,
    step_of,
)
from monolith.checkpoint.manifest import Manifest
from monolith.checkpoint.state_file import CheckpointState
from monolith.checkpoint.tensorfile import Tensors, check_size, write_tensors
from monolith.core.errors import CheckpointError, CheckpointIncomplete, CheckpointUnreadable
from monolith.core.files import DISK, Disk, make_folders, write_atomically

_OPEN_ON_NFS = (errno.EBUSY, errno.ENOTEMPTY)  # to delete the file under its other name, or its folder


class CheckpointStore(Catalogue):
    """The checkpoints of one model directory, to be written by one job at a time.

    Keeps the `max_to_keep` newest complete ones; 0 keeps all. `attempt` gives hexadecimal digits that no
    other attempt to save has; nothing of them is in what is saved.
    """

    def __init__(
        self,
        model_dir: Path | str,
        *,
        max_to_keep: int = 5,
        model: str = "",
        disk: Disk = DISK,
        attempt: Callable[[], str] = functools.partial(secrets.token_hex, 4),
    ) -> None:
        super().__init__(model_dir, model=model)
        self._max_to_keep = max_to_keep
        self.disk = disk
        self._attempt = attempt
        self._begun: dict[int, Path] = {}

    def begin(self, step: int) -> Path:
        """An empty folder for the files of `step`; what attempts before it left is cleared away for room.

        A checkpoint of `step` that is already there stays whole until the new one is committed.

        Raises:
            CheckpointError: the disk is full or fails.
        """
        taken = self._taken(step)
        folder = self.model_dir / part_name(step, self._attempt())
        with saving(self.model_dir):
            make_folders(self.model_dir, self.disk)
            begun = {each.name for number, each in self._begun.items() if number != step}
            for path in sorted(self.model_dir.iterdir()):
                ours = step_of(path.name) == step and path.is_dir() and path.name != taken
                if ours or (is_part(path.name) and path.name not in begun):
                    self._remove(path)
            make_folders(folder, self.disk)
        self._begun[step] = folder
        return folder

    def write_dense(self, folder: Path, tensors: Tensors, part: str = "dense") -> FileEntry:
        """Write tensors that are not rows: the model's parameters, or a `part` such as its optimizer's state.

        Raises:
            CheckpointError: the disk is full or fails, or a dtype cannot be written.
        """
        written = write_tensors(folder / dense_name(part), tensors, self.disk)
        return FileEntry(name=dense_name(part), kind="dense", size=written.size, crc32c=written.crc32c)

    def commit(self, manifest: Manifest) -> Manifest:
        """Make the checkpoint that was begun for `manifest.step` the newest one, then `prune`.

        Raises:
            CheckpointIncomplete, CheckpointUnreadable: a file it names is not there as it says.
            CheckpointError: the disk is full or fails; or `begin` was not called.
        """
        folder = self._begun.get(manifest.step)
        if folder is None:
            raise CheckpointError(f"{prefix(manifest.step)} was not begun", path=self.model_dir)
        _must_be_written(folder, manifest)
        manifest = attrs.evolve(manifest, folder=folder_name(manifest.step, taken=self._taken(manifest.step)))
        with saving(self.model_dir):
            self.disk.sync_folder(folder)
            self.disk.rename(folder, self.folder(manifest))
            self.disk.sync_folder(self.model_dir)
            write_atomically(self.model_dir / manifest_name(manifest.step), manifest.to_json(), self.disk)
            del self._begun[manifest.step]
            found = {each.step: each for each in self.list()}
            found[manifest.step] = Stored(manifest.step, manifest)  # which was just seen to be whole
            stored = [found[step] for step in sorted(found)]
            paths = [prefix(step) for step in self._kept(stored)]
            state = CheckpointState(paths[-1], paths)
            write_atomically(self.model_dir / STATE, state.to_text(), self.disk)
            self._prune(stored)
        return manifest

    def resume(self, load: Callable[[Manifest], T]) -> T | None:
        """The same as `newest`, for one who is going to save.

        Once one could be read, those that could not are set aside, so that the next start does not count on
        them. Raises as `newest`.
        """
        try:
            loaded = self.newest(load)
        except CheckpointUnreadable as exc:
            exc.add_note("To start afresh, choose another model directory.")
            raise
        self._set_aside(self._passed_over)
        return loaded

    def prune(self) -> None:
        """Delete the checkpoints that are no longer kept, and what cut-off saves left behind.

        A folder without a manifest may be a save that is going on as long as its step is beyond the newest
        complete one; so only older ones go.

        Raises:
            CheckpointError: something cannot be deleted.
        """
        with saving(self.model_dir):
            self._prune(self.list())

    def _prune(self, stored: Sequence[Stored]) -> None:
        kept = self._kept(stored)
        if not kept:
            return
        for old in stored:
            if old.step < kept[0] and not old.withheld:
                self.disk.remove(self.model_dir / manifest_name(old.step))
        self.disk.sync_folder(self.model_dir)
        paths = sorted(self.model_dir.iterdir())
        aside = {step for path in paths if (step := aside_step(path.name)) is not None}
        spared = {folder.name for folder in self._begun.values()}.union(
            *(_names_of(each) for each in stored if each.step >= kept[0] or each.withheld),
            *({aside_name(step), *folder_names(step)} for step in aside if step >= kept[0]),
        )
        for path in paths:
            step = step_of(path.name)
            if step is not None and step <= kept[-1] and path.name not in spared:
                self._remove(path)

    def _kept(self, stored: Sequence[Stored]) -> Sequence[int]:
        """The steps that retention spares, ascending."""
        complete = [each.step for each in stored if each.complete]
        return complete[-self._max_to_keep :]  # [-0:] is all of them

    def _taken(self, step: int) -> str:
        """The folder that the manifest of `step` names, be it set aside, or nothing."""
        with suppress(*DAMAGE):
            return self._read(manifest_name(step)).folder
        try:
            return self._read(aside_name(step)).folder
        except CheckpointIncomplete:
            return ""
        except CheckpointError:  # torn, say, or another release's: this is likeliest
            return prefix(step)

    def _set_aside(self, steps: Collection[int]) -> None:
        with saving(self.model_dir):
            for step in steps:
                self.disk.rename(self.model_dir / manifest_name(step), self.model_dir / aside_name(step))
            if steps:
                self.disk.sync_folder(self.model_dir)

    def _remove(self, path: Path) -> None:
        """What somebody has open NFS keeps under another name, and its folder with it, until a later save."""
        try:
            if path.is_symlink():  # what is behind it is not ours alone
                self.disk.remove(path)
            elif path.is_dir():
                for inner in sorted(path.iterdir()):
                    self._remove(inner)
                self.disk.remove_folder(path)
            elif path.exists():
                self.disk.remove(path)
        except OSError as exc:
            if exc.errno not in _OPEN_ON_NFS:
                raise


def _names_of(stored: Stored) -> set[str]:
    """The manifest and its folder; both folders it may have, if it cannot be read to tell."""
    folders = [stored.manifest.folder] if stored.manifest else folder_names(stored.step)
    return {manifest_name(stored.step), *folders}


def _must_be_written(folder: Path, manifest: Manifest) -> None:
    for entry in manifest.files:
        try:
            check_size(folder, entry)
        except CheckpointIncomplete as exc:
            exc.add_note(SAME_PATH)
            raise
