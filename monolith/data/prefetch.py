"""Batches made ahead of need, in a thread that ends with its reader."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator

from monolith.core.batch import Batch
from monolith.core.errors import ConfigError
from monolith.core.fifo import FifoQueue
from monolith.data.reading import Batches, Bookmark

_GOODBYE_S = 10.0  # how long `close` waits for a batch that is being made


def prefetched(
    batches: Batches, depth: int = 2, *, seen: Callable[[Batch], None] = lambda _: None
) -> Batches:
    """`batches`, up to `depth` of them ready before they are asked for, each `seen` as soon as it is made.

    An error in the making reaches the reader in its place, after the batches that came before it. Closing,
    or dropping, the result ends the thread.

    Raises:
        ConfigError: `depth` is not 1 or more.
    """
    if depth < 1:
        raise ConfigError([f"depth={depth}: must be >= 1"])
    return _Prefetched(batches, depth, seen)


class _Prefetched:
    def __init__(self, batches: Batches, depth: int, seen: Callable[[Batch], None]) -> None:
        self.position = batches.position
        self.total = batches.total
        self._batches = batches
        self._ready = ready = FifoQueue[Batch](depth)
        # The thread knows the queue and not this object, so that dropping this object can be noticed.
        made = (ready, batches, seen)
        self._thread = threading.Thread(target=_fill, args=made, name="prefetch", daemon=True)
        self._thread.start()
        weakref.finalize(self, _abandon, ready)

    @property
    def set_aside(self) -> int:
        return self._batches.set_aside

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        batch = self._ready.dequeue()
        self.position += len(batch) > 0
        return batch

    def bookmark(self, given: int) -> Bookmark:
        return self._batches.bookmark(given)

    def saved(self, given: int) -> None:
        self._batches.saved(given)

    def close(self) -> None:
        _abandon(self._ready)
        self._thread.join(_GOODBYE_S)
        if not self._thread.is_alive():
            self._batches.close()


def _fill(ready: FifoQueue[Batch], batches: Batches, seen: Callable[[Batch], None]) -> None:
    try:
        for batch in batches:
            seen(batch)
            ready.enqueue(batch)
        ready.close(StopIteration())  # who reads may still have something to say to `batches`
    except BaseException as exc:  # the reader is told, whatever it is
        ready.close(exc)
        batches.close()


def _abandon(ready: FifoQueue[Batch]) -> None:
    """Nobody takes any more: the thread's next batch finds the queue closed."""
    ready.close(StopIteration(), drop=True)
