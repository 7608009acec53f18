"""What a target does not take, for now."""

from __future__ import annotations

import math

from monolith.sync.patience import Patience


class Lacking:
    """Tables that a target does not take, and when to ask it again."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._tables: set[str] = set()
        self._next_s = math.inf

    def missed(self, tables: set[str], now_s: float) -> set[str]:
        """Note tables that it has just refused; gives those that it refused for the first time."""
        fresh = tables - self._tables
        self._tables |= tables
        if tables:
            self._next_s = now_s + self._patience.failed(lasting=True)
        return fresh

    def may_be_there(self, now_s: float) -> bool:
        """Whether it is time to ask again."""
        due = now_s >= self._next_s
        if due:
            self._next_s = math.inf
        return due

    def found(self, still: set[str]) -> list[str]:
        """Tables that it takes now, given those that it still does not."""
        found = sorted(self._tables - still)
        self._tables &= still
        if found:
            self._patience.succeeded()
        return found
