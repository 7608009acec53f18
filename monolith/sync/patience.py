"""How often to push, and how long to wait after a failure."""

from __future__ import annotations

from collections.abc import Callable

import attrs


@attrs.frozen(kw_only=True)
class Pace:
    """In seconds."""

    interval_s: float = 0.2  # between two looks at what changed
    idle_s: float = 1.0  # after so long without any, a push without rows says that there was nothing
    timeout_s: float = 3.0  # of one push
    first_s: float = 0.1  # after a failure; doubled with each further one
    most_s: float = 5.0
    refused_s: float = 30.0  # the same, where waiting alone does not help

    def every_ms(self, interval_ms: int | None) -> Pace:
        """The same, with another interval if there is one."""
        return self if interval_ms is None else attrs.evolve(self, interval_s=interval_ms / 1000)


class Patience:
    """How long to wait after each failure: twice as long each time, less up to a half by lot.

    So that senders whom one target has failed together do not come back together. `random` gives numbers
    in [0, 1).
    """

    def __init__(self, pace: Pace, random: Callable[[], float]) -> None:
        self._pace = pace
        self._random = random
        self._failures = 0

    def failed(self, *, lasting: bool) -> float:
        """One more failure: how long to wait."""
        pace = self._pace
        most = pace.refused_s if lasting else pace.most_s
        longest = min(pace.first_s * 2.0**self._failures, most)
        self._failures = min(self._failures + 1, 64)
        return longest * (1 - self._random() / 2)

    def succeeded(self) -> None:
        self._failures = 0
