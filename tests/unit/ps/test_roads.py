"""What travels on a road, where the answer is not what was asked for."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from monolith.core.errors import RemoteError
from monolith.ps.api import Found, Gradients, Lookup, Stamp
from monolith.ps.found_frame import FoundFrame
from monolith.ps.frames import NUMBER
from monolith.ps.limits import HEADS, Limits
from monolith.ps.link import Link
from monolith.ps.roads import CallRoad, FrameRoad
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


OTHER_SHAPES: list[list[tuple[int, int]]] = [[], [(3, 3)], [(1, 2)]]
MISFIT = r"BatchLookup with something else: rows of the shapes \[.*\], and not \[\(3, 2\)\]"


@pytest.mark.parametrize("shapes", OTHER_SHAPES)
def test_rows_in_frames_must_fit(shapes: list[tuple[int, int]]) -> None:
    found = [Found(np.ones(shape, np.float32), np.ones(shape[0], np.bool_), 0) for shape in shapes]
    frame = FoundFrame([Lookup("t", np.arange(n), dim) for n, dim in shapes], half=False)
    said = frame.filled(bytes(NUMBER), lambda _: found)
    with pytest.raises(RemoteError, match=MISFIT):
        asyncio.run(road(Parrot(said)).lookup([Lookup("t", FIDS, 2)]))


class Caller(Link):
    """A link that says always the same."""

    def __init__(self, said: Any) -> None:
        super().__init__("host:1", 2, Limits())
        self._said = said

    async def call(self, *_: Any, **__: Any) -> Any:
        return self._said


@pytest.mark.parametrize("rows", [[], [1]])
def test_rows_of_calls_must_fit(rows: list[int]) -> None:
    said = [pb.LookupResponse(embeddings=np.ones(2 * n, np.float32).tobytes(), found=bytes(n)) for n in rows]
    calls = CallRoad(Caller(pb.BatchLookupResponse(responses=said)), Limits(), pb.HealthCheckResponse())
    with pytest.raises(RemoteError, match=MISFIT):
        asyncio.run(calls.lookup([Lookup("t", FIDS, 2)]))


def test_calls_answer_each_lookup_once() -> None:
    one = pb.LookupResponse(embeddings=np.ones(6, np.float32).tobytes(), found=bytes(3))
    said = pb.BatchLookupResponse(responses=[one] * 2)
    calls = CallRoad(Caller(said), Limits(), pb.HealthCheckResponse())
    with pytest.raises(RemoteError, match="2 answers to 1 lookups"):
        asyncio.run(calls.lookup([Lookup("t", FIDS, 2)]))


@pytest.mark.parametrize(("frame_limit", "limit"), [(2 * HEADS, HEADS + 50), (20, 20)])
def test_both_ends_limit_frames(frame_limit: int, limit: int) -> None:
    parrot = Parrot(b"")
    with pytest.raises(RemoteError):
        asyncio.run(road(parrot, frame_limit).lookup([]))
    assert parrot.limits == [limit]
