"""Starting a model directory from a checkpoint of another one, which one process does and the others await.

The order of the writes is the protocol: the checkpoint itself, `checkpoint`, `restore_ckpt`, and
`monolith_checkpoint` last. Whoever finds that one finds the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from monolith.checkpoint.boundary import loading, saving
from monolith.checkpoint.catalogue import Catalogue
from monolith.checkpoint.files import FileEntry
from monolith.checkpoint.layout import MARKER, MONOLITH_STATE, STATE, prefix, step_of
from monolith.checkpoint.manifest import Manifest
from monolith.checkpoint.monolith_state import exempt_checkpoint
from monolith.checkpoint.state_file import CheckpointState, read_names, write_names
from monolith.checkpoint.store import CheckpointStore
from monolith.checkpoint.tensorfile import verify_file
from monolith.core.errors import RestoreCkptNotFound, RestoreDirEmpty
from monolith.core.files import CHUNK, DISK, Disk, Octets, make_folders, write_file

log = logging.getLogger(__name__)
_UNNAMED = CheckpointState("model.ckpt-0")  # what a file that names nothing is taken to mean


def copy_checkpoint_from_restore_dir(
    restore_dir: Path, model_dir: Path, restore_ckpt: str | None = None, disk: Disk = DISK
) -> CheckpointState:
    """Have a training in `model_dir` begin with the newest checkpoint of `restore_dir`, or `restore_ckpt`.

    One of ours is copied, checksums compared, unless `model_dir` has checkpoints already; of others only the
    name is taken over. To call it again does no harm: what is there stays.

    Raises:
        RestoreDirEmpty: there is no `checkpoint` file in `restore_dir`.
        RestoreCkptNotFound: it does not name `restore_ckpt`.
        CheckpointError: the checkpoint is missing or damaged, or a file cannot be read or written.
    """
    chosen = _chosen(restore_dir / STATE, restore_ckpt)
    state = CheckpointState.of_one(chosen)
    with saving(model_dir):
        make_folders(model_dir, disk)
    if read_names(model_dir / STATE) is None:
        _bring_over(restore_dir, model_dir, chosen, disk)
    for name, content in ((STATE, state.to_text()), (MARKER, chosen.encode())):
        if read_names(model_dir / name) is None:
            write_names(model_dir / name, content, disk)
    exempt_checkpoint(model_dir, chosen, disk)
    return state


def restored(model_dir: Path) -> CheckpointState | None:
    """What `model_dir` begins with, once its copy is complete; None until then.

    Raises:
        CheckpointError: a file cannot be read.
    """
    if read_names(model_dir / MONOLITH_STATE) is None:
        return None
    content = read_names(model_dir / STATE)
    return CheckpointState.from_text(content) if content is not None else None


def import_checkpoint(source: Catalogue, step: int, into: CheckpointStore) -> Manifest:
    """Copy checkpoint `step` of `source`; it is there whole or not at all.

    Raises:
        CheckpointNotFound: there is none.
        CheckpointIncomplete, CheckpointUnreadable: it is damaged.
        CheckpointError: the disk is full or fails.
    """
    manifest = source.get(step)
    folder = into.begin(step)
    for entry in manifest.files:
        copy_file(entry, source.folder(manifest), folder, into.disk)
    return into.commit(manifest)


def copy_file(entry: FileEntry, source: Path, folder: Path, disk: Disk) -> None:
    """Copy one file of a checkpoint, and see that the copy is what the manifest says.

    Raises:
        CheckpointIncomplete, CheckpointUnreadable: it is missing or damaged.
        CheckpointError: the disk is full or fails.
    """
    with saving(folder):
        write_file(folder / entry.name, _content(source / entry.name), disk)
    verify_file(folder, entry)


def _chosen(path: Path, restore_ckpt: str | None) -> str:
    content = read_names(path)
    if content is None:
        raise RestoreDirEmpty(path)
    state = CheckpointState.from_text(content)
    if state is None:
        state = _UNNAMED
        log.warning("%s names no checkpoint: taken to mean %s", path, state.model_checkpoint_path)
    return _member(state, restore_ckpt, path) if restore_ckpt is not None else state.model_checkpoint_path


def _member(state: CheckpointState, restore_ckpt: str, path: Path) -> str:
    known = state.all_model_checkpoint_paths
    if restore_ckpt in known:
        return restore_ckpt
    for each in known:
        if PurePosixPath(each).name == restore_ckpt:
            return each
    raise RestoreCkptNotFound(restore_ckpt, known=known, path=path)


def _bring_over(restore_dir: Path, model_dir: Path, chosen: str, disk: Disk) -> None:
    name = PurePosixPath(chosen).name
    step = step_of(name)
    store = CheckpointStore(model_dir, disk=disk)
    if step is None or name != prefix(step):
        log.warning("%s was not written by this program: only its name is taken over, not its values", chosen)
    elif not store.list():
        import_checkpoint(Catalogue(restore_dir), step, store)


def _content(path: Path) -> Iterator[Octets]:
    with loading(path), path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield np.frombuffer(chunk, np.uint8)
