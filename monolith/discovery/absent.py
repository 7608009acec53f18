"""Platforms that have a name here, and nothing behind it yet: who uses one is told so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import attrs

from monolith.core.errors import BackendMissing

ABSENT: Mapping[str, str] = {"consul": "Consul"}  # as flags say it → as people do


@attrs.frozen
class Absent:
    """A platform that refuses to be used, and knows what it would be told."""

    kind: str
    platform: str  # a key of ABSENT
    told: tuple[str, ...]  # of "consul": the psm

    def register(self, *_: object) -> NoReturn:
        self._refuse("registration")

    def deregister(self, *_: object) -> NoReturn:
        self._refuse("deregistration")

    def query(self, *_: object) -> NoReturn:
        self._refuse("query")

    def close(self) -> None:
        """Nothing is held."""

    def _refuse(self, what: str) -> NoReturn:
        raise BackendMissing(f"{self.kind} {what}: {refusal(self.platform)}")


def refusal(platform: str) -> str:
    """Why `platform`, a key of ABSENT, cannot be used."""
    return f"this version of monolith cannot talk to {ABSENT[platform]}"
