"""One training at a time writes into a model directory: it holds a lock, which ends with its process."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import socket
from pathlib import Path
from typing import IO

from monolith.checkpoint.boundary import saving
from monolith.checkpoint.layout import LOCK
from monolith.core.errors import CheckpointInUse
from monolith.core.files import make_folders

_TRIES = 3


class Claim:
    """Keeps other trainings out of `model_dir`, in this process or another, on this machine or another.

    A process that is killed lets go of it at once, one that is frozen does not. Where the file system
    has no locks nobody is kept out.

    Raises:
        CheckpointInUse: another one trains there.
        CheckpointError: the disk is full or fails.
    """

    def __init__(self, model_dir: Path) -> None:
        self._model_dir = model_dir
        self._lock: IO[bytes] | None = None
        self._holder = f"process {os.getpid()} on {socket.gethostname()}\n{secrets.token_hex(8)}\n".encode()

    def __enter__(self) -> Claim:
        self.renew()
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()

    def renew(self) -> bool:
        """Whether it had to be taken anew: somebody took the lock away, or the folder with all in it."""
        times = 0
        while times < _TRIES and not self._is_there():  # it may be taken away while it is taken
            lock = self._taken()
            self._let_go()
            self._lock = lock
            times += 1
        return times > 0

    def _is_there(self) -> bool:
        """By what stands in it where a file system gives a file another number each time."""
        path = self._model_dir / LOCK
        if self._lock is None:
            return False
        with saving(self._model_dir):
            try:
                held = os.fstat(self._lock.fileno())
                return os.path.samestat(held, path.stat()) or path.read_bytes() == self._holder
            except FileNotFoundError:
                return False
            except OSError as exc:
                if exc.errno != errno.ESTALE:  # so NFS says of a file that another machine deleted
                    raise
                return False

    def _taken(self) -> IO[bytes]:
        with saving(self._model_dir):
            make_folders(self._model_dir)
            lock = (self._model_dir / LOCK).open("a+b", buffering=0)
        try:
            self._take(lock)
        except BaseException:
            lock.close()
            raise
        return lock

    def _let_go(self) -> None:
        if self._lock:
            self._lock.close()

    def _take(self, lock: IO[bytes]) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            holder, _, _ = os.pread(lock.fileno(), 200, 0).decode(errors="replace").partition("\n")
            raise CheckpointInUse(self._model_dir, holder) from exc
        except OSError:
            pass  # there are no locks here
        with saving(self._model_dir):
            os.ftruncate(lock.fileno(), 0)
            os.write(lock.fileno(), self._holder)
