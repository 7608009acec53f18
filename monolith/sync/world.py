"""What pushing needs from outside, so that tests can own time and chance."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

Aside = Callable[..., Awaitable[Any]]  # runs a blocking call, as asyncio.to_thread does


def drawn_sender() -> int:
    """The name of a sender, 64 random bits."""
    return int.from_bytes(os.urandom(8)) or 1  # 0 says "nobody" on the wire


@attrs.frozen(kw_only=True)
class World:
    """What a target's loop needs of the world: unix time, numbers in [0, 1), and a place for what blocks."""

    clock_ms: Callable[[], int]
    random: Callable[[], float]
    draw_sender: Callable[[], int] = drawn_sender
    aside: Aside = asyncio.to_thread
