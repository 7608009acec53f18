"""Rows dumped while they are made, one by one, for programs that read upstream's dumps."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import ArrayLike

from monolith.checkpoint.boundary import saving
from monolith.core.arrays import as_fids
from monolith.core.errors import CheckpointError
from monolith.core.files import DISK, Disk, make_folders, replacing
from monolith.wire.entries import Entries, EntryShape, framed_entries


class WritableFile:
    """A file that appears at `path`, with the folders above it, when it is closed: whole, or not at all.

    Every method raises CheckpointError when the disk is full or fails.
    """

    def __init__(self, path: Path | str, disk: Disk = DISK) -> None:
        self.path = Path(path)
        with saving(self.path), ExitStack() as opening:
            make_folders(self.path.parent, disk)
            self._file = opening.enter_context(replacing(self.path, disk))
            self._open = opening.pop_all()
        self._closed = False

    def append(self, data: bytes) -> None:
        """Write `data` behind what is there.

        Raises:
            CheckpointError: the file is closed.
        """
        if self._closed:
            raise CheckpointError("file is closed", path=self.path)
        with saving(self.path):
            self._file.write(data)

    def append_entry_dump(self, item_id: ArrayLike, bias: ArrayLike, embedding: ArrayLike) -> None:
        """Write a record for each of n ids: an EntryDump of the id, its bias and its row.

        Args:
            item_id: (n,) int64.
            bias: (n,) float32.
            embedding: n * dim float32 values, row by row.

        Raises:
            CheckpointError: there are no ids, the numbers of values do not fit them, or the file is closed.
        """
        fids = as_fids(item_id)
        biases, values = (np.asarray(given, np.float32).reshape(-1) for given in (bias, embedding))
        if not fids.size:
            raise CheckpointError("item_id must be non-empty")
        if biases.size != fids.size:
            raise CheckpointError("bias must have the same length as item_id")
        if values.size % fids.size:
            raise CheckpointError("embedding length must be divisible by batch size")
        rows = np.column_stack((biases, values.reshape(fids.size, -1)))
        entries = Entries(fids, rows, times=None)
        self.append(framed_entries(EntryShape(rows.shape[1], 0, ()), entries).tobytes())

    def close(self) -> None:
        """Make what was written appear, durably. A second time does nothing."""
        self.__exit__(None, None, None)

    def __enter__(self) -> WritableFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; where the block raised, nothing appears."""
        self._closed = True
        with saving(self.path):
            self._open.__exit__(kind, error, trace)
