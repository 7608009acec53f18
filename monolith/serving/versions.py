"""Which version of a model answers: the newest that loads, exchanged without dropping a request."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

import attrs

from monolith.core.errors import (
    EmbeddingsMissing,
    ModelNotFound,
    MonolithError,
    ServerBusy,
    ServingError,
    VersionUnready,
)
from monolith.serving.manifest import MANIFEST, version_folders

M = TypeVar("M")
Files: TypeAlias = frozenset[tuple[str, int, int, int]]  # of a folder: name, inode, time, size
LONGEST_PAUSE_S = 60.0  # before a version that could not be read is tried again
log = logging.getLogger(__name__)


class State(IntEnum):
    """As TensorFlow Serving counts them."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40  # replaced, and still answering what it had begun
    END = 50  # gone, or never came


@attrs.frozen
class VersionStatus:
    """How far a version is; `problem` says why it did not come."""

    version: int
    state: State
    problem: str = ""


@attrs.frozen
class _Attempt:
    """The last try to load a version: what was there, and when to try the very same once more."""

    files: Files
    fails: int = 0
    again_at: float = math.inf

    def paused(self, now: float) -> _Attempt:
        return attrs.evolve(self, again_at=now + min(2.0**self.fails, LONGEST_PAUSE_S))


@attrs.define(eq=False)
class _Held(Generic[M]):
    version: int
    model: M
    users: int = 0


class Versions(Generic[M]):
    """Looks into `base` for version folders, and holds the newest one loaded.

    A new version is loaded while the old one answers; then they change places, and the old one goes when its
    last request is done. A version that cannot be loaded is reported and left alone until its files have
    changed, and then stood still from one look to the next: they may be on their way here. One that could
    not be read is tried again after a pause, too, which grows; one that lacks embeddings, once another
    version is there, whose tables may do. A version is never exchanged for an older one: to go back, export
    the older weights under a higher number, or pin a version.

    `load` makes a ready model of a folder, or raises a MonolithError. `pinned` fixes the version; `clock`
    tells seconds since any moment.
    """

    def __init__(
        self,
        base: Path,
        load: Callable[[Path], M],
        *,
        name: str = "",
        pinned: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name or base.name
        self._base = base
        self._load = load
        self._pinned = pinned
        self._lock = threading.Lock()
        self._current: _Held[M] | None = None
        self._status: dict[int, VersionStatus] = {}
        self._clock = clock
        self._seen: dict[int, Files] = {}  # at the last look
        self._tried: dict[int, _Attempt] = {}
        self._resting: set[int] = set()  # versions that lack embeddings: another's may do
        self._warned: dict[int, str] = {}  # of which problem, by version

    def poll(self) -> None:
        """Look once, and load what is new. To be called by one thread at a time.

        Raises:
            ServingError: `base` cannot be read.
        """
        while self._load_one():  # with an older one there, a newer one may do that rests on its tables
            pass
        for version in sorted(self._resting):
            self._warn(version)

    def _load_one(self) -> bool:
        for version, folder in self._candidates():
            files = _files(folder)
            if files and self._due(version, files):
                before = self._tried.get(version)
                fails = before.fails if before and before.files == files else 0
                self._tried[version] = _Attempt(files, fails + 1)
                if self._try(version, folder):
                    return True
        return False

    def _due(self, version: int, files: Files) -> bool:
        still, self._seen[version] = self._seen.get(version) == files, files
        tried = self._tried.get(version)
        if tried is None:
            return True
        return still if files != tried.files else self._clock() >= tried.again_at

    @contextmanager
    def lease(self, version: int | None = None) -> Iterator[M]:
        """The model that answers now; it stays loaded until the block ends.

        Raises:
            ModelNotFound: nothing is loaded, or it is not `version`.
        """
        held = self._taken(version)
        try:
            yield held.model
        finally:
            self._released(held)

    def status(self, version: int | None = None) -> list[VersionStatus]:
        """Every version ever seen, newest first; or the one that is asked for.

        Raises:
            ModelNotFound: that version was never seen.
        """
        with self._lock:
            known = sorted(self._status.values(), key=lambda s: -s.version)
        chosen = [s for s in known if version in (None, s.version)]
        if version is not None and not chosen:
            raise self._not_found(version)
        return chosen

    @property
    def version(self) -> int | None:
        """The one that answers now."""
        with self._lock:
            return self._current.version if self._current else None

    def _try(self, version: int, folder: Path) -> bool:
        replacing = version == self.version  # other files took its name: the old ones are AVAILABLE meanwhile
        self._tell(version, State.AVAILABLE if replacing else State.LOADING)
        try:
            model = self._load(folder)
        except Exception as exc:  # whatever is wrong with a new version, the old one goes on
            self._tell(version, State.AVAILABLE if replacing else State.END, str(exc))
            if isinstance(exc, EmbeddingsMissing):
                self._resting.add(version)
                return False
            self._warn(version, traceback=not isinstance(exc, MonolithError))
            if isinstance(exc, ServerBusy):
                self._tried.pop(version)
            elif isinstance(exc, (VersionUnready, OSError)):
                self._tried[version] = self._tried[version].paused(self._clock())
            return False
        self._exchange(_Held(version, model))
        self._warned.pop(version, None)
        log.info("version %d of %s is being served", version, self.name)
        for waiting in self._resting:
            self._tried.pop(waiting, None)
        self._resting.clear()
        return True

    def _exchange(self, new: _Held[M]) -> None:
        with self._lock:
            old, self._current = self._current, new
            if old and old.version != new.version:
                state = State.UNLOADING if old.users else State.END
                self._status[old.version] = VersionStatus(old.version, state)
            self._status[new.version] = VersionStatus(new.version, State.AVAILABLE)

    def _taken(self, version: int | None) -> _Held[M]:
        with self._lock:
            held = self._current
            if held is None or version not in (None, held.version):
                raise self._not_found(version)
            held.users += 1
            return held

    def _released(self, held: _Held[M]) -> None:
        with self._lock:
            held.users -= 1
            replaced = self._current is None or held.version != self._current.version
            if replaced and not held.users:
                self._status[held.version] = VersionStatus(held.version, State.END)

    def _tell(self, version: int, state: State, problem: str = "") -> None:
        with self._lock:
            self._status[version] = VersionStatus(version, state, problem)

    def _warn(self, version: int, *, traceback: bool = False) -> None:
        """Say once what its problem is."""
        problem = self._status[version].problem
        if self._warned.get(version) != problem:
            self._warned[version] = problem
            told = "version %d of %s cannot be served: %s"
            log.warning(told, version, self.name, problem, exc_info=traceback)

    def _candidates(self) -> list[tuple[int, Path]]:
        """Version folders worth a look, newest first."""
        try:
            there = version_folders(self._base)
        except OSError as exc:
            raise ServingError(f"{self._base} cannot be read: {exc.strerror}", model=self.name) from exc
        wanted = [v for v in there if self._pinned in (None, v) and v >= (self.version or 0)]
        return [(v, there[v]) for v in sorted(wanted, reverse=True)]

    def _not_found(self, version: int | None) -> ModelNotFound:
        which = f"Latest({self.name})" if version is None else f"Specific({self.name}, {version})"
        return ModelNotFound(f"Servable not found for request: {which}", model=self.name, version=version)


def _files(folder: Path) -> Files:
    """What tells a version folder from another that took its name; empty where there is no manifest."""
    try:
        held = {path.name: path.stat() for path in folder.iterdir()}
    except OSError:
        return frozenset()
    if MANIFEST not in held:
        return frozenset()
    return frozenset((name, it.st_ino, it.st_mtime_ns, it.st_size) for name, it in held.items())
