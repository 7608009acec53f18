"""What a server does of its own accord, tick by tick: every few hours, have tables forget expired rows."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from monolith.ps.counts import Clock
from monolith.table.table import Table

HOUR_S = 3600.0
PERIOD_S = 1.0  # between looks at the clock, and at how much memory is free
log = logging.getLogger(__name__)


class Upkeep:
    """Knows when each table's turn is. `clock` gives seconds, of which only differences mean anything."""

    def __init__(self, tables: Callable[[], Iterable[tuple[str, Table]]], clock: Clock) -> None:
        self._tables = tables
        self._clock = clock
        self._last: dict[str, float] = {}

    def tick(self) -> int:
        """Have those tables forget whose turn it is; a table's hours count from the first tick that sees it.

        One that fails has had its turn, so that it does not keep the others from theirs for good. Returns how
        many rows left.
        """
        now, left = self._clock(), 0
        for name, table in self._tables():
            if not table.config.enable_feature_eviction:
                continue
            last = self._last.setdefault(name, now)
            if now - last >= table.config.feature_evict_every_n_hours * HOUR_S:
                self._last[name] = now
                left += table.expire()
        return left


class Ticking:
    """Calls `tick` every `period_s` seconds on a thread of its own, from `start` until `stop`.

    A call that fails is logged: what ran out of memory, say, may well succeed next time.
    """

    def __init__(self, tick: Callable[[], object], period_s: float = PERIOD_S) -> None:
        self._tick = tick
        self._period_s = period_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ps-upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, within_s: float) -> None:
        """Call no more, and wait that long for a call under way. A second time, or unstarted, is fine."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join(within_s)

    def _run(self) -> None:
        while not self._stopped.wait(self._period_s):
            try:
                self._tick()
            except Exception:  # there is nobody to tell, and a server without upkeep runs full
                log.exception("upkeep failed, and is tried again in %g s", self._period_s)
