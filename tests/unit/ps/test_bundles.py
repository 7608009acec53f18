"""Bundles: frames arrive as they were, in order, as few messages as may be, and none waits for the next."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from monolith.ps.bundles import bundled, frames_of

NUMBERED = st.binary(max_size=40).map(lambda rest: b"\x07" + bytes(7) + rest)


@given(st.lists(NUMBERED), st.integers(0, 100))
def test_frames_arrive_as_they_were(frames: list[bytes], most: int) -> None:
    messages = [[bytes(f) for f in frames_of(bytes(m))] for m in bundled(frames, most)]
    assert [frame for message in messages for frame in message] == frames
    sizes = [sum(map(len, message)) for message in messages]
    assert all(size <= most or len(message) == 1 for size, message in zip(sizes, messages, strict=True))
    full = (
        size >= most or size + len(after[0]) > most
        for size, (_, after) in zip(sizes, pairwise(messages), strict=False)
    )
    assert all(full)


def test_a_frame_alone_is_its_message() -> None:
    frame = b"\x01" * 9
    assert next(bundled([frame], 99)) is frame
    assert frames_of(frame)[0] is frame


def test_what_is_full_waits_for_nothing() -> None:
    """A message leaves before the next frame is made."""
    made = []

    def frames() -> Iterator[bytes]:
        for number in b"abc":
            made.append(number)
            yield bytes([number]) * 10

    messages = bundled(frames(), 20)
    assert len(frames_of(bytes(next(messages)))) == 2
    assert len(made) == 2
    assert frames_of(bytes(next(messages))) == (b"c" * 10,)


@pytest.mark.parametrize("cut", [1, 8, 9, 20])
def test_half_a_bundle_is_refused(cut: int) -> None:
    whole = bytes(next(bundled([b"a" * 16, b"b" * 16], 99)))
    with pytest.raises(DecodeError, match=r"a bundle of \d+ bytes holds a frame that ends at \d+"):
        frames_of(whole[:-cut])


def test_a_bundle_may_be_empty() -> None:
    assert list(frames_of(bytes(8))) == []
