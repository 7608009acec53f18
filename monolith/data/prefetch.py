"""Batches made ahead of need, in a thread that ends with its reader."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Iterator

from monolith.core.batch import Batch
from monolith.core.errors import ConfigError
from monolith.data.reading import Batches

_GOODBYE_S = 10.0  # how long `close` waits for a batch that is being made


def prefetched(batches: Batches, depth: int = 2) -> Batches:
    """`batches`, up to `depth` of them ready before they are asked for.

    An error in the making reaches the reader in its place, after the batches that came before it. Closing,
    or dropping, the result ends the thread.

    Raises:
        ConfigError: `depth` is not 1 or more.
    """
    if depth < 1:
        raise ConfigError([f"depth={depth}: must be >= 1"])
    return _Prefetched(batches, depth)


class _Prefetched:
    def __init__(self, batches: Batches, depth: int) -> None:
        self.position = batches.position
        self.total = batches.total
        self._shelf = shelf = _Shelf(depth)
        # The thread knows the shelf and not this object, so that dropping this object can be noticed.
        self._thread = threading.Thread(target=_fill, args=(shelf, batches), name="prefetch", daemon=True)
        self._thread.start()
        weakref.finalize(self, shelf.close)

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        batch = self._shelf.take()
        self.position += 1
        return batch

    def close(self) -> None:
        self._shelf.close()
        self._thread.join(_GOODBYE_S)


def _fill(shelf: _Shelf, batches: Batches) -> None:
    try:
        for batch in batches:
            if not shelf.put(batch):
                break
        shelf.end(StopIteration())
    except BaseException as exc:  # the reader is told, whatever it is
        shelf.end(exc)
    finally:
        batches.close()


class _Shelf:
    """At most `depth` batches between the one who makes them and the one who takes them."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._ready: deque[Batch] = deque()
        self._changed = threading.Condition()
        self._ended: BaseException | None = None

    def put(self, batch: Batch) -> bool:
        """Add `batch` once there is room; False if nobody will take it. The wait ends with the reader."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or len(self._ready) < self._depth)
            if self._ended:
                return False
            self._ready.append(batch)
            self._changed.notify_all()
            return True

    def take(self) -> Batch:
        """The next batch; raises what ended the making, StopIteration if it came to its end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._ready)
            if not self._ready and self._ended:
                raise self._ended
            self._changed.notify_all()
            return self._ready.popleft()

    def end(self, why: BaseException) -> None:
        with self._changed:
            self._ended = self._ended or why
            self._changed.notify_all()

    def close(self) -> None:
        """Nobody takes any more."""
        self.end(StopIteration())
        self._ready.clear()
