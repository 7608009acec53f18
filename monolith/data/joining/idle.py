"""Which partitions have nothing to read just now: event time need not wait for these."""

from __future__ import annotations

from collections.abc import Callable, Collection

from monolith.data.streams.log import Log, Offsets, Partition


class Idle:
    """A partition is idle once it was read to its end and nothing has come for `idle_s`.

    Some brokers tell an end that is too low: the reader must have seen it, too. What the reader has seen may
    be long ago: the log is asked, too.
    """

    def __init__(self, log: Log, idle_s: float, timer: Callable[[], float]) -> None:
        self._log = log
        self._idle_s = idle_s
        self._timer = timer
        self._since: dict[Partition, float] = {}
        self._idle: set[Partition] = set()

    def saw(self, partition: Partition) -> None:
        """Something came."""
        self._since[partition] = self._timer()
        self._idle.discard(partition)

    def now(self, read_up_to: Offsets, ended: Collection[Partition]) -> set[Partition]:
        """The idle ones of these, of which the reader has seen that some have `ended`.

        The log is asked for their ends, at most once in `idle_s`: it may be the brokers that are slow.
        """
        now = self._timer()
        for partition, offset in read_up_to.items():
            since = self._since.setdefault(partition, now)
            if partition not in self._idle and now - since >= self._idle_s:
                self._since[partition] = now
                if partition in ended and self._log.span(partition).end <= offset:
                    self._idle.add(partition)
        return self._idle
