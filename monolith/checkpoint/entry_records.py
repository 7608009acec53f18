"""The records of one dump file, many at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from monolith.checkpoint.boundary import loading
from monolith.core.errors import CheckpointUnreadable
from monolith.core.files import Octets
from monolith.core.inflate import Compression, Damaged, inflating
from monolith.wire import frames

PIECE = 16 << 20  # bytes read at a time


class RecordPieces:
    """A record file that is read from its beginning to its end, piece by piece.

    Every method raises CheckpointIncomplete where the file is missing, and CheckpointUnreadable where it
    cannot be read or is damaged.
    """

    def __init__(self, path: Path, how: Compression = Compression.NONE) -> None:
        self._path = path
        self._how = how
        self._opening = ExitStack()
        self._buf: Octets = np.empty(0, np.uint8)
        self._bounds = np.empty((0, 2), np.int64)
        self._offset = 0  # of the buffer, in bytes before compression

    def __enter__(self) -> RecordPieces:
        with loading(self._path):
            file: BinaryIO = self._opening.enter_context(self._path.open("rb"))
        self._stream = inflating(file, self._how)
        self._used = 0  # bytes of the buffer that are records
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opening.close()

    def take(self, count: int | None = None) -> Iterator[tuple[Octets, NDArray[np.int64]]]:
        """The next `count` records, or all: bytes, and where in them payloads begin and end (n, 2)."""
        while count is None or count > 0:
            if not len(self._bounds) and not self._more():
                if count is not None:
                    raise self._damaged(f"ends {count} records too soon")
                return
            now = self._bounds[:count]
            self._bounds = self._bounds[len(now) :]
            count = None if count is None else count - len(now)
            yield self._buf, now

    def skip(self, count: int) -> None:
        """Pass over the next `count` records."""
        for _ in self.take(count):
            pass

    def must_be_over(self) -> None:
        """Raises CheckpointUnreadable if there are more records."""
        if len(self._bounds) or self._more():
            raise self._damaged("holds more records than were written")

    def _more(self) -> bool:
        """Read until there are records; False at a clean end."""
        while not len(self._bounds):
            rest = self._buf[self._used :].tobytes()
            with loading(self._path):
                read = self._read()
            if not read and not rest:
                return False
            self._offset += self._used
            self._buf = np.frombuffer(rest + read, np.uint8)
            self._bounds, self._used, fault = frames.find(self._buf)
            if fault and not (fault == frames.CUT_SHORT and read) and not len(self._bounds):
                raise self._damaged(f"byte {self._offset + self._used}: {frames.TOLD[fault]}")
        return True

    def _read(self) -> bytes:
        try:
            return self._stream.read(PIECE)
        except Damaged as exc:
            raise self._damaged(f"compressed data is damaged ({exc})") from exc

    def _damaged(self, what: str) -> CheckpointUnreadable:
        return CheckpointUnreadable(what, path=self._path)
