"""Entries in memory up to a bound, and the others in an sqlite table.

The table has every entry as of the last `write`; what changed since is in memory, and counts. So after a
`write` anything can leave memory.
"""

from __future__ import annotations

import heapq
import sqlite3
from array import array
from collections.abc import Collection, Iterable
from itertools import islice

from monolith.data.joining.entries import Entry, State

TABLE = """
CREATE TABLE IF NOT EXISTS entries (
    key BLOB PRIMARY KEY, state INTEGER, due INTEGER, time INTEGER, value BLOB, actions BLOB
);
CREATE INDEX IF NOT EXISTS entries_due ON entries (due, key);
"""
_COLUMNS = "key, state, due, time, value, actions"
_OVERHEAD = 400  # bytes of an entry besides its key and value: objects, dict, heap
_ASKED_AT_ONCE = 500  # older sqlites take no more than 999 parameters


class SpillingEntries:
    """`Entries` of which about `memory_bytes` are held, those that came last."""

    def __init__(self, db: sqlite3.Connection, memory_bytes: int) -> None:
        self._db = db
        self._limit = memory_bytes
        self._held: dict[bytes, Entry] = {}
        self._changed: set[bytes] = set()
        self._queue: list[
            tuple[int, bytes]
        ] = []  # a heap; an entry that is due otherwise by now is not meant
        self._bytes = 0
        self._elsewhere: int = db.execute("SELECT COUNT(*) FROM entries").fetchone()[0]

    def __len__(self) -> int:
        return len(self._held) + self._elsewhere

    @property
    def in_memory(self) -> int:
        """How many are held."""
        return len(self._held)

    @property
    def full(self) -> bool:
        """Whether more is held than should be: time for a `write`."""
        return self._bytes > self._limit

    def load(self, keys: Collection[bytes]) -> None:
        if self._elsewhere:
            self._bring(key for key in keys if key not in self._held and key not in self._changed)

    def get(self, key: bytes) -> Entry | None:
        return self._held.get(key)

    def put(self, key: bytes, entry: Entry) -> None:
        self._changed.add(key)
        self._hold(key, entry)

    def remove(self, key: bytes) -> None:
        self._changed.add(key)
        self._bytes -= _size(key, self._held.pop(key))

    def due(self, until: int, most: int) -> tuple[list[tuple[bytes, Entry]], bool]:
        whole = self._bring_due(until, most)
        found: dict[bytes, Entry] = {}
        while self._queue and self._queue[0][0] <= until and len(found) < most:
            due, key = heapq.heappop(self._queue)
            entry = self._held.get(key)
            if entry is not None and entry.due == due:
                found[key] = entry
        return list(found.items()), whole and not (self._queue and self._queue[0][0] <= until)

    def write(self) -> None:
        """Make the table say what memory says; part of the caller's transaction."""
        gone = [(key,) for key in self._changed if key not in self._held]
        self._db.executemany("DELETE FROM entries WHERE key = ?", gone)
        rows = (_row(key, self._held[key]) for key in self._changed if key in self._held)
        self._db.executemany(f"INSERT OR REPLACE INTO entries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows)  # noqa: S608

    def written(self) -> None:
        """The transaction is over: what is too much may leave memory."""
        self._changed.clear()
        if self.full:
            self._shrink()

    def _shrink(self) -> None:
        """Let go of the oldest, down to half the limit, so that it need not be done soon again."""
        for key in list(self._held):
            if self._bytes <= self._limit // 2:
                break
            self._bytes -= _size(key, self._held.pop(key))
            self._elsewhere += 1
        self._queue = [(entry.due, key) for key, entry in self._held.items()]
        heapq.heapify(self._queue)

    def _hold(self, key: bytes, entry: Entry) -> None:
        before = self._held.get(key)
        self._bytes += _size(key, entry) - (_size(key, before) if before else 0)
        self._held[key] = entry
        heapq.heappush(self._queue, (entry.due, key))

    def _bring_due(self, until: int, most: int) -> bool:
        """Hold what is due and elsewhere; whether that is all of it."""
        if not self._elsewhere:
            return True
        asked = "SELECT key FROM entries WHERE due <= ? ORDER BY due, key LIMIT ?"
        keys = [key for (key,) in self._db.execute(asked, (until, most))]
        self.load(keys)
        return len(keys) < most

    def _bring(self, keys: Iterable[bytes]) -> None:
        wanted = iter(keys)
        while some := list(islice(wanted, _ASKED_AT_ONCE)):
            marks = ", ".join("?" * len(some))
            asked = f"SELECT {_COLUMNS} FROM entries WHERE key IN ({marks})"  # noqa: S608  # question marks only
            for row in self._db.execute(asked, some).fetchall():
                self._hold(*_entry(row))
                self._elsewhere -= 1


def _size(key: bytes, entry: Entry) -> int:
    return _OVERHEAD + len(key) + len(entry.value) + 8 * len(entry.actions)


def _row(key: bytes, entry: Entry) -> tuple[bytes, int, int, int, bytes, bytes]:
    return key, int(entry.state), entry.due, entry.time, entry.value, array("q", entry.actions).tobytes()


def _entry(row: tuple[bytes, int, int, int, bytes, bytes]) -> tuple[bytes, Entry]:
    key, state, due, time, value, actions = row
    return key, Entry(State(state), due, time, value, tuple(memoryview(actions).cast("q")))
