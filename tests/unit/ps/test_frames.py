"""Frames: what is asked and answered arrives as it was sent, or is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError

from monolith.ps import frames
from monolith.ps.api import Applied, Change, Gradients, Lookup, Stamp
from monolith.ps.frames import Request

FIDS = np.array([3, -(2**63), 2**63 - 1])
ROWS = np.arange(6, dtype=np.float32).reshape(3, 2)
LOOKUPS = (
    Lookup("t", FIDS, 2),
    Lookup("täble", FIDS[:0], 5, create=False),
    Lookup("u", FIDS, 1, afresh=True),
)
UPDATES = (
    Gradients("t", FIDS, ROWS, (0.5, 0.25), 7),
    Gradients("u", FIDS, ROWS, change=Change.ADD, latest=ROWS + 1),
    Gradients("v", FIDS, ROWS, counts=np.array([1, 2, 2**40]), times=np.array([0, 1, 2**32 - 1], np.uint32)),
    Gradients("w", FIDS[:0], ROWS[:0], change=Change.ASSIGN),
)
REQUESTS = {
    "lookups": Request(9, lookups=LOOKUPS),
    "updates": Request(2**64 - 1, updates=UPDATES, stamp=Stamp(2**64 - 1, 5, 6)),
    "unstamped": Request(0, updates=UPDATES),
    "nothing": Request(1, lookups=()),
    "half": Request(1, half=True, updates=UPDATES, stamp=Stamp(1, 2)),
}
APPLIED = [Applied(3, 2), Applied(2**32 - 1, 0, duplicate=True)]


def framed(parts: list[Any]) -> bytes:
    return b"".join((b"\x01" * frames.NUMBER, *parts))


def alike(one: Any, other: Any) -> bool:
    """Whether two values hold the same, arrays by element."""
    if isinstance(one, list | tuple) and not isinstance(one, Stamp):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, Request | Lookup | Gradients):
        return all(alike(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(
            np.minimum(one, 2**32 - 1), np.minimum(other, 2**32 - 1)
        )
    return bool(one == other)


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_requests_arrive(request_: Request) -> None:
    assert alike(request_, Request.of(framed(request_.parts())))


def test_answers_arrive() -> None:
    assert frames.applied_of(framed(frames.applied_parts(APPLIED))) == APPLIED
    assert frames.refusal_of(framed(frames.refused_parts(b"why"))) == b"why"
    assert frames.refusal_of(framed(frames.applied_parts(APPLIED))) is None


def test_half_overflows_to_its_limit() -> None:
    rows = np.array([[1e9, -1e9, np.inf, np.nan]], np.float32)
    sent = Request(1, half=True, updates=[Gradients("t", FIDS[:1], rows)])
    (read,) = Request.of(framed(sent.parts())).updates or ()
    np.testing.assert_array_equal(read.grads, [[65504, -65504, np.inf, np.nan]])


READERS: dict[str, tuple[list[Any], Callable[[bytes], Any]]] = {
    "lookups": (REQUESTS["lookups"].parts(), Request.of),
    "updates": (REQUESTS["updates"].parts(), Request.of),
    "applied": (frames.applied_parts(APPLIED), frames.applied_of),
}


@pytest.mark.parametrize(("parts", "read"), READERS.values(), ids=READERS)
def test_any_other_length_is_refused(parts: list[Any], read: Callable[[bytes], Any]) -> None:
    frame = framed(parts)
    assert read(frame) is not None
    for damaged in [*(frame[:size] for size in range(len(frame) - 7)), frame + bytes(8)]:
        with pytest.raises(DecodeError):
            read(damaged)


@pytest.mark.parametrize("read", [Request.of, frames.applied_of])
def test_another_kind_is_refused(read: Callable[[bytes], Any]) -> None:
    for frame in (bytes(64), b"\xff" * 64):
        with pytest.raises(DecodeError):
            read(frame)
