"""How pushing rows to serving goes wrong."""

from __future__ import annotations

from monolith.core.errors.base import MonolithError


class PushFailed(MonolithError):
    """A target did not take a push. With `lasting`, somebody has to do something about it."""

    def __init__(self, target: str, why: str, *, lasting: bool = False) -> None:
        super().__init__(f"{target}: {why}")
        self.target = target
        self.lasting = lasting
