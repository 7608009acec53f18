"""Bundles: frames arrive as they were, in order, as few messages as may be, and none waits for the next."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from monolith.ps.bundles import bundled, frames_of
from monolith.ps.frames import NUMBER
from monolith.wire.blocks import padded

NUMBERED = st.binary(max_size=40).map(lambda rest: b"\x07" + bytes(7) + rest)


@given(st.lists(NUMBERED), st.integers(0, 200))
def test_frames_arrive_as_they_were(frames: list[bytes], most: int) -> None:
    messages = [bytes(message) for message in bundled(frames, most)]
    held = [[bytes(frame) for frame in frames_of(message)] for message in messages]
    assert [frame for some in held for frame in some] == frames
    assert all(len(message) <= most or len(some) == 1 for message, some in zip(messages, held, strict=True))
    sizes = [NUMBER + sum(8 + padded(len(frame)) for frame in some) for some in held]
    full = (
        size + 8 + padded(len(after[0])) > most
        for size, (_, after) in zip(sizes, pairwise(held), strict=False)
    )
    assert all(full)


def test_a_frame_alone_is_its_message() -> None:
    frame = b"\x01" * 9
    assert next(bundled([frame], 99)) is frame
    assert next(frames_of(frame)) is frame


def test_what_is_full_waits_for_nothing() -> None:
    """A message leaves before the next frame is made."""
    made = []

    def frames() -> Iterator[bytes]:
        for number in b"abc":
            made.append(number)
            yield bytes([number]) * 10

    messages = bundled(frames(), NUMBER + 2 * 24)
    assert len(list(frames_of(bytes(next(messages))))) == 2
    assert len(made) == 2
    assert list(frames_of(bytes(next(messages)))) == [b"c" * 10]


def test_what_is_overdue_waits_for_nothing() -> None:
    late = iter([False, True, True, False])
    messages = [
        list(frames_of(bytes(m)))
        for m in bundled([b"a" * 9, b"b" * 9, b"c" * 9, b"d" * 9], 999, lambda: next(late))
    ]
    assert messages == [[b"a" * 9, b"b" * 9], [b"c" * 9], [b"d" * 9]]


@pytest.mark.parametrize("cut", [1, 8, 9, 20])
def test_half_a_bundle_is_refused(cut: int) -> None:
    whole = bytes(next(bundled([b"a" * 16, b"b" * 16], 99)))
    with pytest.raises(DecodeError, match=r"a bundle of \d+ bytes holds a frame from \d+ to \d+"):
        list(frames_of(whole[:-cut]))


@pytest.mark.parametrize("size", [0, 7, 2**63, 2**64 - 1])
def test_frames_have_a_number_and_an_end(size: int) -> None:
    with pytest.raises(DecodeError, match="a bundle of 24 bytes holds a frame from 16 to"):
        list(frames_of(bytes(8) + size.to_bytes(8, "little") + bytes(8)))


def test_a_bundle_may_be_empty() -> None:
    assert list(frames_of(bytes(8))) == []
