"""How far each partition of the topics is read, in offsets and in event time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from monolith.data.joining.idle import Idle
from monolith.data.joining.state import Reached
from monolith.data.joining.watermark import Watermark
from monolith.data.streams.log import Log, Message, Offsets, Partition, beginning


class Inputs:
    """All partitions of `topics`, read on from where `reached` says, or from their beginning."""

    def __init__(
        self,
        log: Log,
        topics: Sequence[str],
        reached: Mapping[Partition, Reached],
        say: Callable[[str], None],
        *,
        lateness_ms: int,
        idle: Idle,
    ) -> None:
        places = [Partition(topic, number) for topic in topics for number in range(log.partitions(topic))]
        self.next = {place: _begin(log, place, reached.get(place), say) for place in places}
        latest = {place: far.latest for place, far in reached.items() if far.latest is not None}
        self._watermark = Watermark(places, lateness_ms, latest)
        self._idle = idle

    def passed(self, message: Message) -> None:
        """It was read, whatever is in it."""
        self.next[message.partition] = message.offset + 1
        self._idle.saw(message.partition)

    def dated(self, message: Message, time: int) -> None:
        """It is a good one, of that event time, ms."""
        self._watermark.saw(message.partition, time)

    def watermark(self, ended: Offsets) -> int | None:
        """Before this event time, ms, nothing is awaited; None while nobody knows.

        `ended` are partitions that the reader has read to their end, and where that is.
        """
        return self._watermark.value(self._idle.now(self.next, ended))

    @property
    def furthest(self) -> int | None:
        """The latest event time of all, ms."""
        return max((time for time in self._watermark.latest.values() if time is not None), default=None)

    @property
    def reached(self) -> dict[Partition, Reached]:
        """What to begin with the next time."""
        return {place: Reached(at, self._watermark.latest[place]) for place, at in self.next.items()}


def _begin(log: Log, place: Partition, known: Reached | None, say: Callable[[str], None]) -> int:
    return beginning(place, known.next if known else None, log.span(place), say)
