"""How saving, loading and restoring go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monolith.core.errors.base import MonolithError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class CheckpointError(MonolithError):
    """Saving or loading went wrong; what was stored before is as it was."""

    def __init__(self, message: str, *, path: Path | str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = str(path)


class CheckpointNotFound(CheckpointError):
    """There is no checkpoint where one is needed."""


class RestoreDirEmpty(CheckpointNotFound):
    """The folder to start from has no file that names its checkpoints."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"restore_dir does not contain checkpoint file: {path}")
        self.path = str(path)


class RestoreCkptNotFound(CheckpointNotFound):
    """The folder to start from does not know the checkpoint that was asked for; a note says which it does."""

    def __init__(self, restore_ckpt: str, *, known: Sequence[str], path: Path) -> None:
        super().__init__(f"restore_ckpt {restore_ckpt} is not in checkpoint.all_model_checkpoint_paths")
        self.add_note(f"{path} names: {', '.join(known) or 'none'}")
        self.restore_ckpt = restore_ckpt
        self.path = str(path)


class RestoreSyncTimedOut(CheckpointError, TimeoutError):
    """The chief did not prepare the model directory in time."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"Timed out waiting for restore synchronization file: {path}")
        self.path = str(path)


class CheckpointUnreadable(CheckpointError):
    """A file of the checkpoint is torn or altered."""


class CheckpointInaccessible(CheckpointError):
    """The system cannot read a file just now. It may be whole, so nobody passes the checkpoint over."""


class CheckpointIncomplete(CheckpointError):
    """A file that the manifest names is not there."""


class CheckpointInUse(CheckpointError):
    """Another training writes into the model directory."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(
            f"another training writes here ({holder or 'nobody knows which'}): wait for its end, stop it, "
            "or choose another model directory",
            path=path,
        )
        self.holder = holder


class CheckpointMismatch(CheckpointError):
    """The checkpoint belongs to another model, or to another release of monolith."""


class CheckpointFormat(CheckpointMismatch):
    """What another release of monolith has written: it is whole, so nobody passes it over."""

    def __init__(self, found: object, known: int, path: Path | str) -> None:
        said = f"has format {found}, and this program reads {known}: use the monolith that wrote it"
        super().__init__(said, path=path)
        self.found = found
