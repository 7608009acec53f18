"""How far event time is, seen from what has come."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from monolith.data.streams.log import Partition


class Watermark:
    """The least of what the partitions have come to, less `lateness_ms` for those of one out of order.

    Partitions are read at different speeds: the slowest decides, so that whoever is behind misses nothing.
    """

    def __init__(
        self, partitions: Iterable[Partition], lateness_ms: int, latest: Mapping[Partition, int]
    ) -> None:
        self._lateness_ms = lateness_ms
        self.latest: dict[Partition, int | None] = {one: latest.get(one) for one in partitions}

    def saw(self, partition: Partition, time: int) -> None:
        """A message of that event time, ms, came."""
        before = self.latest[partition]
        self.latest[partition] = time if before is None else max(before, time)

    def value(self, idle: Collection[Partition] = ()) -> int | None:
        """Before this time nothing is awaited; None while nobody knows.

        Of the `idle`, nothing is awaited at all. Where all are, the one that is furthest decides.
        """
        awaited = [time for one, time in self.latest.items() if one not in idle]
        known = [time for time in self.latest.values() if time is not None]
        if not known or None in awaited:
            return None
        furthest = max(known)
        return min((time for time in awaited if time is not None), default=furthest) - self._lateness_ms
