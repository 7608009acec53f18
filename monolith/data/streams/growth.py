"""Partitions that are added to a topic while it is read: told, and read from the next start on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monolith.core.errors import StreamError
from monolith.data.streams.log import ASIDE_S, Log, Message, Offsets, Reader

EVERY_S = 60.0  # between two looks


class GrowthTold:
    """`reader` of `topics`, and a sentence when one of these has more partitions than before.

    They are not read at once: who reads what is decided when a job starts, by all of its readers alike.
    """

    def __init__(
        self,
        reader: Reader,
        log: Log,
        topics: Sequence[str],
        say: Callable[[str], None],
        timer: Callable[[], float],
    ) -> None:
        self._reader = reader
        self._log = log.within(ASIDE_S)
        self._say = say
        self._timer = timer
        self._counts = {topic: log.partitions(topic) for topic in topics}
        self._looked = timer()

    @property
    def away(self) -> bool:
        return self._reader.away

    @property
    def ended(self) -> Offsets:
        return self._reader.ended

    def poll(self, most: int, seconds: float) -> Sequence[Message]:
        messages = self._reader.poll(most, seconds)
        if not self.away and self._timer() - self._looked >= EVERY_S:
            self._looked = self._timer()
            self._look()
        return messages

    def commit(self, offsets: Offsets) -> None:
        self._reader.commit(offsets)

    def close(self) -> None:
        self._reader.close()

    def _look(self) -> None:
        for topic, known in self._counts.items():
            try:
                count = self._log.partitions(topic)
            except StreamError:  # the reader tells of brokers that are away
                return
            if count > known:
                self._counts[topic] = count
                self._say(
                    f"topic {topic} has {count} partitions now, and had {known}: the new ones are read from "
                    "the next start on, from their beginning"
                )
