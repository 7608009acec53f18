"""Which rows changed, from when to when: what those who copy a table elsewhere go by.

Time is cut into epochs. A row that changes is marked with the epoch, 4 bytes a row, and if it was not so
marked before, its fid is noted, 8 bytes. A fid without a row is one that was evicted. Each `Reader` knows
from which epoch on it has yet to see changes; what all have seen is dropped. The fids take no more than a
given number of bytes: beyond it the oldest are forgotten, and who still needed them must read all rows.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from monolith.table.arena import Arena
from monolith.table.noted import Noted, distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monolith.core.arrays import Fids, Indices

LIMIT_BYTES = 96 << 20  # of fids: twelve million
MARK_BYTES = 4
_MARKS = 1 << 32  # that there are
# What the kernel that changes rows is told: the marks by row number (capacity, 1), room for fids, the epoch.
Marking: TypeAlias = "tuple[NDArray[np.uint32], Fids, np.uint32]"
UNMARKED: Marking = (np.empty((0, 1), np.uint32), np.empty(0, np.int64), np.uint32(0))


class Ahead(NamedTuple):
    """What a reader has yet to see: `fids` in arrays of whatever length, None if nobody knows any more.

    Who has seen them is at `position`.
    """

    fids: list[Fids] | None
    position: int


class Reader:
    """Someone who follows a journal. `position` None has seen nothing that counts: it must read all rows."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.position: int | None = None
        self.coming: int | None = None  # position, once it has seen what it was told last

    def begin(self) -> None:
        """From here on it is told of changes: it reads all rows after this."""
        self.position = self._journal.cut()

    def ahead(self) -> Ahead:
        """End an epoch and look at what changed. Changes that happen later are told later."""
        now = self.coming = self._journal.cut()
        return Ahead(None if self.position is None else self._journal.since(self.position), now)

    @property
    def waiting(self) -> int | None:
        """About how many changes it has yet to see; None: it must read all rows."""
        return None if self.position is None else self._journal.count_since(self.position)

    def reached(self, position: int | None) -> None:
        """It has seen what `ahead` told together with `position`, or, None, must read all rows."""
        self.position = position
        self._journal.drop_seen()

    def close(self) -> None:
        """It follows no more."""
        self._journal.leave(self)


@dataclass(eq=False, slots=True)
class _Part:
    """What changed in some epochs, up to and with `last`."""

    last: int
    chunks: list[Fids]

    def __len__(self) -> int:
        return sum(map(len, self.chunks))


class Journal:
    """Of one table, whose `alone` keeps everybody from changing rows. Safe from many threads."""

    def __init__(self, alone: AbstractContextManager[None], limit_bytes: int = LIMIT_BYTES) -> None:
        self._alone = alone
        self._most = limit_bytes // 8
        self._most_merged = self._most // 4  # at once, for merging takes as much memory again
        self._lock = threading.Lock()
        self._tidying = threading.Lock()
        self._readers: list[Reader] = []
        self._epoch = 0
        self._known_from = 0  # an epoch; of those before it something is lost
        self._closed: list[_Part] = []  # oldest first
        self._open = Noted()  # in this epoch
        self.begin_anew(1, 0)

    @property
    def memory_bytes(self) -> int:
        """Bytes of fids that are noted; the marks take `MARK_BYTES` more a row."""
        with self._lock:
            return 8 * self._count()

    def reader(self) -> Reader:
        """Someone who has seen nothing yet."""
        with self._lock:
            self._readers.append(reader := Reader(self))
        return reader

    def leave(self, reader: Reader) -> None:
        """Nothing is kept for `reader` any more."""
        with self._lock:
            self._readers.remove(reader)
        self.drop_seen()

    def begin_anew(self, rows: int, end: int) -> None:
        """All changed, and has other numbers, below `end`. For who is alone with the table.

        Reserves address space for `rows`.
        """
        with self._lock:
            self._rows, self._end = rows, end
            self._renew_marks()
            self._begin_epoch()
            self._lose()

    def cover(self, end: int) -> None:
        """Make room for marks of the rows below `end`. For who is alone with the table.

        Raises:
            MemoryError: the system has no more.
        """
        self._marks.ensure(end)
        self._end = end

    def marking(self, count: int) -> Marking:
        """What to change `count` rows with. For who shares the table, or is alone with it."""
        return self._marks.array, np.empty(count, np.int64), np.uint32(self._epoch % _MARKS)

    def note(self, fids: Fids) -> None:
        """These have changed, or are gone. For who shares the table, or is alone with it.

        If the system has no memory for it, all that was noted is forgotten.
        """
        with self._lock:
            if self._known_from <= self._epoch:
                try:
                    self._open.add(fids)
                    self._keep_within_limit()
                except MemoryError:
                    self._lose()

    def unmark(self, numbers: Indices) -> None:
        """Rows `numbers` are new: they have not changed yet. For who is alone with the table."""
        self._marks.array[numbers, 0] = 0

    def copy(self, old: Indices, new: Indices) -> None:
        """Rows `new`, which are nobody's, will be what rows `old` are. For who is alone with the table."""
        self._marks.array[new] = self._marks.array[old]

    def release(self, start: int, stop: int) -> None:
        """Give the memory of rows `start` to `stop` back, nobody's. For who is alone with the table."""
        self._marks.release(start, stop)

    def cut(self) -> int:
        """End an epoch, unless nothing changed in it; the position of who has seen all changes until now.

        Waits until nobody changes rows.
        """
        with self._lock:
            if not len(self._open) and self._known_from <= self._epoch:
                return self._epoch
        with self._alone, self._lock:
            if len(self._open):
                self._closed.append(_Part(self._epoch, self._open.chunks))
                self._open = Noted()
            self._begin_epoch()
            return self._epoch

    def since(self, position: int) -> list[Fids] | None:
        """What changed in epochs from `position` on, all that are over; None: nobody knows any more."""
        self._tidy()
        with self._lock:
            if position < self._known_from:
                return None
            parts = [part for part in self._closed if part.last >= position]
        chunks = [chunk for part in parts for chunk in part.chunks]
        if len(chunks) < 2 or sum(map(len, chunks)) > self._most_merged:
            return chunks
        return [np.concatenate(chunks) if len(parts) == 1 else distinct(chunks)]

    def count_since(self, position: int) -> int:
        """How many fids were noted in epochs from `position` on, each once an epoch at most."""
        with self._lock:
            return len(self._open) + sum(len(part) for part in self._closed if part.last >= position)

    def drop_seen(self) -> None:
        """Keep only what some reader has yet to see."""
        with self._lock:
            positions = [r.position for r in self._readers if r.position is not None]
            needed = min(positions, default=self._epoch)
            self._closed = [part for part in self._closed if part.last >= needed]

    def _tidy(self) -> None:
        """Note what changed again and again while a reader was away once, not in each epoch."""
        with self._tidying:
            while pair := self._alike():
                merged = _Part(pair[1].last, [distinct(pair[0].chunks + pair[1].chunks)])
                with self._lock:
                    if pair[0] in self._closed:  # nobody dropped it meanwhile
                        at = self._closed.index(pair[0])
                        self._closed[at : at + 2] = [merged]

    def _alike(self) -> tuple[_Part, _Part] | None:
        """Two parts that no reader is between; the older at most twice the newer, so that few merges do."""
        with self._lock:
            between = [p for r in self._readers for p in (r.position, r.coming) if p is not None]
            for older, newer in zip(self._closed[-2::-1], self._closed[:0:-1], strict=True):
                apart = any(older.last < position <= newer.last for position in between)
                few = len(older) + len(newer) <= self._most_merged
                if few and not apart and len(older) <= 2 * len(newer):
                    return older, newer
        return None

    def _count(self) -> int:
        return len(self._open) + sum(map(len, self._closed))

    def _keep_within_limit(self) -> None:
        while self._closed and self._count() > self._most:
            self._known_from = self._closed.pop(0).last + 1
        if self._count() > self._most:
            self._lose()

    def _lose(self) -> None:
        """Forget what changed, the epoch that goes on included: from the next one on all is known."""
        self._closed, self._open = [], Noted()
        self._known_from = self._epoch + 1

    def _begin_epoch(self) -> None:
        self._epoch += 1
        if self._epoch % _MARKS == 0:  # rows that were changed so long ago would look as if they just were
            self._epoch += 1
            self._renew_marks()

    def _renew_marks(self) -> None:
        self._marks = Arena(1, np.uint32, reserve=MARK_BYTES * self._rows)
        self._marks.ensure(self._end)
