"""How long work tells how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

Rows = Sequence[Mapping[str, object]]  # of a table: values by column, the same columns in each


class Progress(Protocol):
    """A listener. `begin` may be called again: the next stretch of work has its own total.

    What is shown takes the place of what was shown before: as a small table where there is room for one that
    stays, else as the sentence.
    """

    def begin(self, what: str, total: int | None, unit: str) -> None: ...
    def advance(self, count: int = 1, **figures: float) -> None: ...
    def say(self, sentence: str) -> None: ...
    def show(self, sentence: str, table: Rows) -> None: ...
    def end(self) -> None: ...


class Silent:
    """Nobody listens."""

    def begin(self, what: str, total: int | None, unit: str) -> None:
        """Ignore it."""

    def advance(self, count: int = 1, **figures: float) -> None:
        """Ignore it."""

    def say(self, sentence: str) -> None:
        """Ignore it."""

    def show(self, sentence: str, table: Rows) -> None:
        """Ignore it."""

    def end(self) -> None:
        """Ignore it."""
