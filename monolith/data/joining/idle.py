"""Which partitions have nothing to read just now: event time need not wait for these."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from monolith.core.errors import BrokersUnreachable
from monolith.data.streams.log import ASIDE_S, Log, Offsets, Partition, at_end


class Idle:
    """A partition is idle once it was read to its end and nothing has come for `idle_s`."""

    def __init__(self, log: Log, idle_s: float, timer: Callable[[], float]) -> None:
        self._log = log.within(ASIDE_S)
        self._idle_s = idle_s
        self._timer = timer
        self._since: dict[Partition, float] = {}
        self._idle: set[Partition] = set()

    def saw(self, partition: Partition) -> None:
        """Something came."""
        self._since[partition] = self._timer()
        self._idle.discard(partition)

    def now(self, partitions: Iterable[Partition], ended: Offsets) -> set[Partition]:
        """The idle ones of these, of which the reader has seen that some have `ended`, and where.

        The log is asked for their ends, at most once in `idle_s`: it may be the brokers that are slow.
        """
        with suppress(BrokersUnreachable):  # no end is known; the reader tells of it, and is patient
            self._look(partitions, ended, self._timer())
        return self._idle

    def _look(self, partitions: Iterable[Partition], ended: Offsets, now: float) -> None:
        for partition in partitions:
            since = self._since.setdefault(partition, now)
            if partition not in self._idle and now - since >= self._idle_s:
                self._since[partition] = now
                if at_end(self._log, partition, ended):
                    self._idle.add(partition)
