"""What travels on a road, where the answer is not what was asked for."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from monolith.core.errors import RemoteError
from monolith.ps.api import Gradients, Lookup, Stamp
from monolith.ps.limits import HEADS, Limits
from monolith.ps.link import Link
from monolith.ps.roads import FrameRoad
from monolith.wire import ps_training_pb2 as pb

FIDS = np.arange(3)


class Parrot:
    """A stream that says always the same."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        self.limits: list[int] = []

    async def ask(self, _method: str, _parts: Any, *, limit: int) -> bytes:
        self.limits.append(limit)
        return self._said


def road(stream: Any, frame_limit: int = 2 * HEADS) -> FrameRoad:
    server = pb.HealthCheckResponse(incarnation=1, frame_limit=frame_limit)
    return FrameRoad(
        Link("host:1", 2, Limits()), stream, Limits(message=HEADS + 50, chunk=50), server, half=False
    )


@pytest.mark.parametrize("said", [b"", bytes(8), bytes(16), b"\x03" * 99])
def test_another_answer_is_told(said: bytes) -> None:
    with pytest.raises(RemoteError, match="ps-2 at host:1 answered BatchLookup with something else: "):
        asyncio.run(road(Parrot(said)).lookup([Lookup("t", FIDS, 2)]))
    update = Gradients("t", FIDS, np.ones((3, 2), np.float32))
    with pytest.raises(RemoteError, match="answered BatchApplyGradients with something else: "):
        asyncio.run(road(Parrot(said)).apply([update], Stamp(1, 1)))


@pytest.mark.parametrize(("frame_limit", "limit"), [(2 * HEADS, HEADS + 50), (20, 20)])
def test_both_ends_limit_frames(frame_limit: int, limit: int) -> None:
    parrot = Parrot(b"")
    with pytest.raises(RemoteError):
        asyncio.run(road(parrot, frame_limit).lookup([]))
    assert parrot.limits == [limit]
