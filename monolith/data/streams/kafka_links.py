"""Partitions without a connection to their broker, while others are read: told when it goes and comes.

librdkafka tries on and complains of brokers only, also of those that nobody needs; its statistics tell which
broker each partition is read from, and whether there is a connection to that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from monolith.data.streams.log import Partition

EVERY_S = 5.0  # between two looks
LOOKS = 4  # in a row without a connection: that all brokers are away is noticed, and told, earlier
_CONNECTED = ("UP", "UPDATE", "REAUTH")
_NOBODY = -1  # the number of a leader that is not there, and of brokers that have not said who they are


class Links:
    """How often in a row each partition had no connection. Heeds what librdkafka says of itself."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._without: dict[Partition, int] = {}

    def heed(self, statistics: str) -> None:
        before, self._without = self._without, {}
        for partition in _unconnected(json.loads(statistics)):
            self._without[partition] = before.get(partition, 0) + 1
        gone = [one for one, looks in self._without.items() if looks == LOOKS]
        back = [one for one, looks in before.items() if looks >= LOOKS and one not in self._without]
        if gone:
            self._say(f"no connection to the broker of {_names(gone)}: waiting for it, or for a new leader")
        if back:
            self._say(f"connected again to the broker of {_names(back)}")


def _unconnected(told: Mapping[str, Any]) -> Iterator[Partition]:
    connected = {one["nodeid"] for one in told["brokers"].values() if one["state"] in _CONNECTED}
    for name, topic in told["topics"].items():
        for number, held in topic["partitions"].items():
            if held["desired"] and held["broker"] not in connected - {_NOBODY}:
                yield Partition(name, int(number))


def _names(partitions: list[Partition]) -> str:
    return ", ".join(map(str, sorted(partitions)))
