"""The answer to lookups: what was found arrives, in as many bytes as were announced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from monolith.ps.api import Found, Lookup
from monolith.ps.found_frame import FoundFrame, found_of
from monolith.ps.frames import NUMBER, applied_parts

NUMBERED = b"\x07" * NUMBER
SHAPES = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), max_size=4)


def found(count: int, dim: int) -> Found:
    rows = np.random.default_rng(count).normal(size=(count, dim)).astype(np.float32)
    return Found(rows, np.arange(count) % 3 == 0, initialized=count // 2)


def framed(answers: Sequence[Found], *, half: bool = False) -> bytes:
    """What travels, of a server that writes rows where it is told."""

    def look_up(asked: Sequence[Lookup]) -> list[Found]:
        assert half == all(one.into is None for one in asked) or not asked
        pairs = zip(asked, answers, strict=True)
        return [answer.put(one.into) if one.into else answer for one, answer in pairs]

    lookups = [Lookup("t", np.arange(len(a.rows)), a.rows.shape[1]) for a in answers]
    frame = FoundFrame(lookups, half=half)
    whole = frame.filled(NUMBERED, look_up)
    assert len(whole) == frame.size
    return whole


@given(SHAPES, st.booleans())
def test_answers_arrive(shapes: list[tuple[int, int]], half: bool) -> None:
    answers = [found(*shape) for shape in shapes]
    frame = framed(answers, half=half)
    assert frame[:NUMBER] == NUMBERED
    for answer, read in zip(answers, found_of(frame), strict=True):
        assert read.initialized == answer.initialized
        np.testing.assert_array_equal(read.found, answer.found)
        np.testing.assert_array_equal(read.rows, answer.rows.astype(read.rows.dtype))


def test_the_same_answer_is_the_same_bytes() -> None:
    """Also where nothing is: what memory held before never travels."""
    for _ in range(20):
        assert framed([found(3, 3), found(5, 1)]) == framed([found(3, 3), found(5, 1)])


def test_half_keeps_eleven_bits() -> None:
    answer = found(1000, 4)
    whole, half = (framed([answer], half=h) for h in (False, True))
    assert len(whole) - len(half) == answer.rows.nbytes // 2
    rows = found_of(half)[0].rows.astype(np.float32)
    np.testing.assert_allclose(rows, answer.rows, rtol=2**-11, atol=2**-25)


def test_any_other_length_is_refused() -> None:
    frame = framed([found(3, 2), found(0, 5)])
    for damaged in [*(frame[:size] for size in range(len(frame) - 7)), frame + bytes(8)]:
        with pytest.raises(DecodeError):
            found_of(damaged)


@pytest.mark.parametrize("frame", [bytes(64), b"\xff" * 64, NUMBERED + b"".join(applied_parts([]))])
def test_another_kind_is_refused(frame: bytes) -> None:
    with pytest.raises(DecodeError):
        found_of(frame)
