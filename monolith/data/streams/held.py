"""Rows that wait for their batch, and how far each partition is read when they have gone."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from monolith.core.batch import Batch
from monolith.data.rows import cut
from monolith.data.streams.decoding import Piece
from monolith.data.streams.log import Message, Offsets, Partition


class _Waiting:
    """A piece of which `given` rows and `passed` messages have gone."""

    def __init__(self, piece: Piece) -> None:
        self.messages = piece.messages
        self.rows = piece.rows
        self.rows_each = piece.rows_each
        self.given = self.passed = 0

    @property
    def left(self) -> int:
        return len(self.rows) - self.given if self.rows else 0

    def take(self, rows: int) -> Batch | None:
        begin, self.given = self.given, self.given + min(rows, self.left)
        return cut(self.rows, begin, self.given) if self.rows and self.given > begin else None

    def passing(self) -> Sequence[Message]:
        """The messages whose last row has gone since the last time."""
        begin = self.passed
        self.passed = self.given // self.rows_each if self.rows_each else len(self.messages)
        return self.messages[begin : self.passed]


class HeldRows:
    """First in, first out. A message counts as read when the last of its rows has gone."""

    def __init__(self, offsets: Offsets) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._offsets = dict(offsets)
        self.rows = 0

    def add(self, piece: Piece) -> None:
        waiting = _Waiting(piece)
        self.rows += waiting.left
        self._waiting.append(waiting)

    def take(self, most: int) -> list[Batch]:
        """Up to `most` rows, in the pieces in which they came."""
        taken: list[Batch] = []
        while self._waiting:
            first = self._waiting[0]
            if first.left and not most:
                break
            rows = first.take(most)
            if rows is not None:
                taken.append(rows)
                most -= len(rows)
                self.rows -= len(rows)
            self._offsets |= {m.partition: m.offset + 1 for m in first.passing()}
            if first.left:
                break
            self._waiting.popleft()
        return taken

    @property
    def offsets(self) -> dict[Partition, int]:
        """Where to read on after all that has gone; a copy."""
        return dict(self._offsets)
