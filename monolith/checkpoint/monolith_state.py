"""The `monolith_checkpoint` file: what a training knows about its checkpoints beside their names.

It is the text form of a `MonolithCheckpointState` message, on one line or on many.
"""

from __future__ import annotations

from pathlib import Path

from google.protobuf import text_format

from monolith.checkpoint.layout import MONOLITH_STATE
from monolith.core.errors import CheckpointError
from monolith.core.files import DISK, Disk, isabs, make_folders, write_atomically
from monolith.wire.monolith_checkpoint_state_pb2 import MonolithCheckpointState


def get_monolith_checkpoint_state(
    folder: Path, filename: str = MONOLITH_STATE, *, remove_invalid_path: bool = False
) -> MonolithCheckpointState | None:
    """What the file says; None if it is missing, or cannot be read or understood.

    With `remove_invalid_path`, exempt paths are made absolute and those where nothing is are left out.
    """
    state = MonolithCheckpointState()
    try:
        text_format.Parse((folder / filename).read_bytes(), state)
    except (OSError, UnicodeDecodeError, text_format.ParseError):
        return None
    if remove_invalid_path:
        paths = [_absolute(folder, path) for path in state.exempt_model_checkpoint_paths]
        state.exempt_model_checkpoint_paths[:] = [path for path in paths if _exists(path)]
    return state


def write_monolith_checkpoint_state(
    folder: Path, state: MonolithCheckpointState, *, overwrite: bool, disk: Disk = DISK
) -> Path:
    """Write the file, durably, and give its path; one that is there stays unless `overwrite`.

    Raises:
        CheckpointError: it cannot be written; what was there before still is.
    """
    path = folder / MONOLITH_STATE
    try:
        if overwrite or not path.exists():
            make_folders(folder, disk)
            write_atomically(path, text_format.MessageToString(state, as_utf8=True).encode(), disk)
    except OSError as exc:
        raise CheckpointError(f"I/O error at {path}: {exc.strerror or exc}") from exc
    return path


def exempt_checkpoint(folder: Path, checkpoint: str, disk: Disk = DISK) -> None:
    """Have the file name `checkpoint` among those that are never deleted for being old.

    Raises:
        CheckpointError: it cannot be written.
    """
    state = get_monolith_checkpoint_state(folder) or MonolithCheckpointState()
    if checkpoint not in state.exempt_model_checkpoint_paths:
        state.exempt_model_checkpoint_paths.append(checkpoint)
    if not state.HasField("builtin_hash_table_type"):
        state.builtin_hash_table_type = MonolithCheckpointState.CUCKOO_HASH_MAP
    write_monolith_checkpoint_state(folder, state, overwrite=True, disk=disk)


def _absolute(folder: Path, path: str) -> str:
    return path if isabs(path) else str(folder.absolute() / path)


def _exists(prefix: str) -> bool:
    """A checkpoint's path is what its files' names begin with; of ours, the manifest is always there."""
    return any(Path(prefix + suffix).exists() for suffix in ("", ".json", ".index"))
