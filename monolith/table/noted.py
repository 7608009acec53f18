"""Fids noted one batch after the other, without moving them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monolith.table.compiling import kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monolith.core.arrays import Fids

FIRST, MOST = 1 << 10, 1 << 16  # fids in a chunk: each is twice the one before, up to half a megabyte


class Noted:
    """As many fids as `add` was given, in chunks."""

    def __init__(self) -> None:
        self._chunks: list[Fids] = []
        self._room = 0  # in the last chunk
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, fids: Fids) -> None:
        while len(fids):
            if not self._room:
                self._room = min(max(self._count, FIRST), MOST)
                self._chunks.append(np.empty(self._room, np.int64))
            some, fids = fids[: self._room], fids[self._room :]
            begin = len(self._chunks[-1]) - self._room
            self._chunks[-1][begin : begin + len(some)] = some
            self._room -= len(some)
            self._count += len(some)

    @property
    def chunks(self) -> list[Fids]:
        """What was added, until more is."""
        if not self._room:
            return self._chunks
        return [*self._chunks[:-1], self._chunks[-1][: -self._room].copy()]


def distinct(chunks: Sequence[Fids]) -> Fids:
    """The fids of all chunks, each once, in ascending order. Takes no more memory than they do once more."""
    fids: Fids = np.concatenate(chunks)
    fids.sort()
    count = _squeeze(fids)
    return fids[:count] if 2 * count > len(fids) else fids[:count].copy()


@kernel
def _squeeze(fids: Fids) -> np.int64:
    """Move the first of each run of equal fids to the front; returns how many those are."""
    count = np.int64(0)
    for i in range(len(fids)):
        if i == 0 or fids[i] != fids[i - 1]:
            fids[count] = fids[i]
            count += 1
    return count
