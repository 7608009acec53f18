"""Every frame gets an answer, with its own number, whatever becomes of it."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from grpc import StatusCode

from monolith.core.errors import MonolithError, ShardRestarted, TableNotFound
from monolith.ps import frames
from monolith.ps.api import Gradients, Lookup, Stamp
from monolith.ps.bundles import bundled, frames_of
from monolith.ps.found_frame import found_of
from monolith.ps.frame_service import PATIENCE_S, FrameService
from monolith.ps.frames import NUMBER, Request
from monolith.ps.state import ShardState
from monolith.wire.status import DETAILS, code_of, from_status

FIDS = np.arange(4)
NUMBERED = (77).to_bytes(NUMBER, "little")


def ask(state: ShardState, request: Request, limit: int = 1 << 20) -> bytes:
    answer = FrameService(state, limit).answer(b"".join((NUMBERED, *request.parts())))
    assert answer[:NUMBER] == NUMBERED
    return answer


def refused(answer: bytes) -> MonolithError:
    error = from_status([(DETAILS, frames.refusal_of(answer) or b"")])
    assert error
    return error


def test_a_stamp_counts_once(state: ShardState) -> None:
    ones = Request(0, updates=[Gradients("t", FIDS, np.ones((4, 2), np.float32))], stamp=Stamp(1, 1))
    assert [frames.applied_of(ask(state, ones))[0].duplicate for _ in range(2)] == [False, True]
    (found,) = found_of(ask(state, Request(0, lookups=[Lookup("t", FIDS, 2)])))
    np.testing.assert_array_equal(found.rows, -np.ones((4, 2)))


def asked(*tables: str) -> bytes:
    """Lookups as one message, numbered from 1."""
    parts = [Request(0, lookups=[Lookup(table, FIDS, 2)]).parts() for table in tables]
    frames = [b"".join((n.to_bytes(NUMBER, "little"), *one)) for n, one in enumerate(parts, 1)]
    return bytes(next(bundled(frames, 9999)))


FIRST, THREE = asked("t"), asked("t", "t", "t")


def at_once() -> float:
    return 0.0


def never() -> bool:
    return False


def test_frames_of_a_bundle_are_answered_alone(state: ShardState) -> None:
    """One that is refused leaves the others as they were; small answers travel together."""
    message = asked("t", "x", "t")
    (reply,) = FrameService(state, 1 << 20, at_once).answers(message, never)
    first, second, third = frames_of(bytes(reply))
    assert [int.from_bytes(one[:NUMBER], "little") for one in (first, second, third)] == [1, 2, 3]
    assert frames.refusal_of(second)
    np.testing.assert_array_equal(found_of(first)[0].rows, found_of(third)[0].rows)


@pytest.mark.parametrize(("took_s", "messages"), [(PATIENCE_S / 4, 1), (2 * PATIENCE_S, 3)])
def test_who_waits_for_others_does_not_wait_long(state: ShardState, took_s: float, messages: int) -> None:
    times = count()
    service = FrameService(state, 1 << 20, lambda: next(times) * took_s)
    assert len(list(service.answers(THREE, never))) == messages


def test_answers_keep_to_the_limit(state: ShardState) -> None:
    """Alone each is small enough, together they are not."""
    (alone,) = FrameService(state, 1 << 20).answers(FIRST, never)
    limit = len(alone) + 20
    assert [len(reply) for reply in FrameService(state, limit, at_once).answers(THREE, never)] == [
        len(alone)
    ] * 3


def test_who_stops_leaves_the_rest_undone(state: ShardState) -> None:
    """What was done is answered."""
    stops = iter([False, False, True])
    (reply,) = FrameService(state, 1 << 20, at_once).answers(THREE, lambda: next(stops))
    assert [int.from_bytes(one[:NUMBER], "little") for one in frames_of(bytes(reply))] == [1, 2]


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (Request(1, lookups=[]), ShardRestarted),
        (Request(0, lookups=[Lookup("x", FIDS, 2)]), TableNotFound),
    ],
)
def test_errors_keep_their_type(state: ShardState, request_: Request, kind: type[MonolithError]) -> None:
    error = refused(ask(state, request_))
    assert isinstance(error, kind)
    assert error.shard == 3


@pytest.mark.parametrize("frame", [b"", b"short", NUMBERED, NUMBERED + b"\xff" * 99])
def test_what_is_no_frame_is_told(state: ShardState, frame: bytes) -> None:
    answer = FrameService(state, 1 << 20).answer(frame)
    assert answer[: len(frame[:NUMBER])] == frame[:NUMBER]
    code, told = code_of(answer[len(frame[:NUMBER]) + 8 :])
    assert code is StatusCode.INVALID_ARGUMENT
    assert told.startswith("the frame cannot be read: ")


def test_too_large_an_answer_is_told(state: ShardState) -> None:
    answer = ask(state, Request(0, lookups=[Lookup("t", FIDS, 2)]), limit=64)
    assert code_of(frames.refusal_of(answer) or b"") == (
        StatusCode.RESOURCE_EXHAUSTED,
        "Sent message larger than max (72 vs. 64)",
    )


def test_a_blunder_is_told(state: ShardState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ShardState, "lookup", lambda *_: 1 / 0)
    code, told = code_of(frames.refusal_of(ask(state, Request(0, lookups=[]))) or b"")
    assert (code, told) == (StatusCode.UNKNOWN, "Exception calling application: division by zero")
