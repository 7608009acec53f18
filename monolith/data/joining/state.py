"""What a joiner must not forget, in one sqlite file: changed in one transaction, or not at all.

What is read, what is known of each key, and what came of it belong together: so the file holds the offsets,
the entries, and the examples that are on their way. An example is sent after the transaction in which it was
decided. A joiner that is killed sends what it finds there again: the same examples, of the last transaction.
"""

from __future__ import annotations

import errno
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from monolith.core.errors import StreamError
from monolith.core.files import make_folders
from monolith.data.joining import spill
from monolith.data.joining.joiner import Fate
from monolith.data.joining.spill import SpillingEntries
from monolith.data.streams.log import Partition

_FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS joiner (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS read_up_to (
    topic TEXT, number INTEGER, next INTEGER, latest INTEGER, PRIMARY KEY (topic, number)
);
CREATE TABLE IF NOT EXISTS leaving (number INTEGER PRIMARY KEY, key BLOB, time INTEGER, value BLOB);
"""
_BEGINNING = -(1 << 62)


class Leaving(NamedTuple):
    """An example on its way."""

    key: bytes
    time: int  # ms
    value: bytes


class Reached(NamedTuple):
    """How far a partition was read, and the latest event time of its messages, ms."""

    next: int
    latest: int | None


class JoinState:
    """The open file. `entries` and `counts` may be changed at any time; `commit` keeps it."""

    def __init__(self, path: Path, how: Mapping[str, object], *, memory_bytes: int) -> None:
        """Open or begin the file at `path`; `how` is what must not change from one run to the next.

        Raises:
            StreamError: another joiner has it open, it was begun otherwise, or it is no such file.
        """
        self._path = path
        self._sent = False
        with self._told():
            make_folders(path.parent)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=1.0)
        try:
            self._open(how, memory_bytes)
        except BaseException:
            self._db.close()
            raise

    def _open(self, how: Mapping[str, object], memory_bytes: int) -> None:
        with self._told():
            # One process only. WAL: a commit is one write and one fsync. FULL: it does happen then.
            for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
                self._db.execute(f"PRAGMA {pragma}")
            self._db.executescript(_TABLES + spill.TABLE)
            facts = dict(self._db.execute("SELECT name, value FROM joiner"))
            self._check(facts, {"format": _FORMAT, **how})
            self.entries = SpillingEntries(self._db, memory_bytes)
        self.watermark = int(facts.get("watermark", _BEGINNING))
        self.counts = Counter({Fate(name): n for name, n in json.loads(facts.get("counts", "{}")).items()})

    def _check(self, facts: Mapping[str, str], how: Mapping[str, object]) -> None:
        if "how" not in facts:
            self._db.execute("INSERT INTO joiner VALUES ('how', ?)", (json.dumps(how),))
            return
        before = json.loads(facts["how"])
        changed = [name for name in how if before.get(name) != how[name]]
        if changed:
            said = ", ".join(f"{name} {before.get(name)!r}, not {how[name]!r}" for name in changed)
            raise StreamError(
                f"{self._path}: this joiner was begun with {said}: say the same, or give another state"
            )

    @property
    def reached(self) -> dict[Partition, Reached]:
        """How far each partition was read when it was last committed."""
        with self._told():
            rows = self._db.execute("SELECT topic, number, next, latest FROM read_up_to").fetchall()
        return {Partition(topic, number): Reached(*rest) for topic, number, *rest in rows}

    def unsent(self) -> list[Leaving]:
        """What was committed and may not have been sent, in order."""
        with self._told():
            rows = self._db.execute("SELECT key, time, value FROM leaving ORDER BY number")
            return [Leaving(*row) for row in rows]

    def sent(self) -> None:
        """All that was committed so far has arrived."""
        self._sent = True

    def commit(
        self, reached: Mapping[Partition, Reached], watermark: int, leaving: Iterable[Leaving]
    ) -> None:
        """Keep all of it, on disk, or on failure nothing.

        Raises:
            StreamError: the disk is full, or fails.
        """
        with self._transaction():
            self._db.executemany("INSERT INTO leaving (key, time, value) VALUES (?, ?, ?)", leaving)
            rows = [(*place, *how_far) for place, how_far in reached.items()]
            self._db.executemany("INSERT OR REPLACE INTO read_up_to VALUES (?, ?, ?, ?)", rows)
            facts = [("watermark", str(watermark)), ("counts", json.dumps(self.counts))]
            self._db.executemany("INSERT OR REPLACE INTO joiner VALUES (?, ?)", facts)
            self.entries.write()
        self.watermark = watermark
        self.entries.written()

    def close(self) -> None:
        """What was sent is forgotten; what was not committed is lost, and will be read again."""
        try:
            with self._transaction():
                pass
        finally:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing; and what was sent before is forgotten."""
        with self._told():
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:
                if self._sent:
                    self._db.execute("DELETE FROM leaving")
                yield
            self._sent = False

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as exc:
            why = "another joiner has it open" if "locked" in str(exc) else str(exc)
            why += "; nothing is lost: make room, and start it again" if _is_full(exc) else ""
            raise StreamError(f"{self._path}: the state of the joiner cannot be kept: {why}") from exc


def _is_full(exc: Exception) -> bool:
    full = isinstance(exc, OSError) and exc.errno in (errno.ENOSPC, errno.EDQUOT)
    return full or getattr(exc, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
