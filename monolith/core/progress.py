"""How long work tells how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A listener. `begin` may be called again: the next stretch of work has its own total."""

    def begin(self, what: str, total: int | None, unit: str) -> None: ...
    def advance(self, count: int = 1, **figures: float) -> None: ...
    def say(self, sentence: str) -> None: ...
    def end(self) -> None: ...


class Silent:
    """Nobody listens."""

    def begin(self, what: str, total: int | None, unit: str) -> None:
        """Ignore it."""

    def advance(self, count: int = 1, **figures: float) -> None:
        """Ignore it."""

    def say(self, sentence: str) -> None:
        """Ignore it."""

    def end(self) -> None:
        """Ignore it."""
