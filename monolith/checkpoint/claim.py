"""One training at a time writes into a model directory: it holds a lock, which ends with its process."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monolith.checkpoint.boundary import saving
from monolith.checkpoint.layout import LOCK
from monolith.core.errors import CheckpointInUse
from monolith.core.files import make_folders


@contextmanager
def claimed(model_dir: Path) -> Iterator[None]:
    """Keep other trainings out of `model_dir`, in this process or another, on this machine or another.

    A process that is killed lets go of it at once, one that is frozen does not. Where the file system
    has no locks nobody is kept out.

    Raises:
        CheckpointInUse: another one trains there.
        CheckpointError: the disk is full or fails.
    """
    with saving(model_dir):
        make_folders(model_dir)
        lock = (model_dir / LOCK).open("a+")
    with lock:
        _take(lock.fileno(), model_dir)
        yield


def _take(lock: int, model_dir: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise CheckpointInUse(model_dir, os.pread(lock, 200, 0).decode(errors="replace").strip()) from exc
    except OSError:  # none here
        return
    with saving(model_dir):
        os.ftruncate(lock, 0)
        os.write(lock, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
