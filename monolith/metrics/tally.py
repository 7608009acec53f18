"""What one replica predicted of examples that were learned afterwards, counted as it comes."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping

from monolith.metrics.streaming import Quality

_HEAD = struct.Struct("<qd")


class Tally:
    """How good its predictions were, how many it did not give, and how far it was behind.

    As with `Quality`, the figures of a whole are the merged figures of its parts, in any order.
    """

    def __init__(self) -> None:
        self.quality = Quality()
        self.missed = 0  # examples without a prediction
        self.staleness_s = math.nan  # what it said last; of what is merged, the largest

    def merge(self, other: Tally) -> None:
        """Count all that `other` has counted."""
        self.quality.merge(other.quality)
        self.missed += other.missed
        self.staleness_s = _larger(self.staleness_s, other.staleness_s)

    @property
    def examples(self) -> int:
        """How many were asked about, predicted or not."""
        return self.quality.examples + self.missed

    def figures(self) -> dict[str, float]:
        """Those of `Quality`, `staleness_s` and `missed`; nan where nobody knows."""
        return {**self.quality.figures(), "staleness_s": self.staleness_s, "missed": self.missed}

    def to_bytes(self) -> bytes:
        return _HEAD.pack(self.missed, self.staleness_s) + self.quality.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Tally:
        tally = cls()
        tally.missed, tally.staleness_s = _HEAD.unpack_from(data)
        tally.quality = Quality.from_bytes(data[_HEAD.size :])
        return tally


Tallies = Mapping[str, Tally]  # by replica


def merged(parts: Iterable[Tallies]) -> dict[str, Tally]:
    """All that the parts have counted, replica by replica, in the order in which they are first named."""
    whole: dict[str, Tally] = {}
    for part in parts:
        for name, tally in part.items():
            whole.setdefault(name, Tally()).merge(tally)
    return whole


def _larger(one: float, other: float) -> float:
    return one if math.isnan(other) or one > other else other
