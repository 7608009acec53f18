"""Snappy in blocks."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.inflate import Compression, Damaged, deflating, inflating
from monolith.core.snappy import BLOCK


def compressed(*pieces: bytes) -> bytes:
    out = io.BytesIO()
    stream = deflating(out, Compression.SNAPPY)
    for piece in pieces:
        stream.write(piece)
    stream.finish()
    return out.getvalue()


def plain(data: bytes) -> bytes:
    return inflating(io.BytesIO(data), Compression.SNAPPY).read()


@given(st.lists(st.binary(max_size=100), max_size=5))
def test_what_is_written_is_read(pieces: list[bytes]) -> None:
    assert plain(compressed(*pieces)) == b"".join(pieces)


def test_blocks_are_as_tensorflow_reads_them() -> None:
    """Of at most 256 KiB, each behind its length, highest byte first; the second is `a` ten times."""
    data = random.Random(1).randbytes(BLOCK) + b"a" * 10
    raw = compressed(data[:100], data[100:])
    first = 4 + int.from_bytes(raw[:4], "big")
    assert raw[first:] == b"\x00\x00\x00\x0c\x0a\x24" + b"a" * 10
    assert plain(raw) == data


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"\x00\x00\x00\x06\x0a\x00a", "ends in the middle"),
        (b"\x00\x00", "ends in the middle"),
        (b"\x00\x00\x00\x06\x0a\x00a\x22\x09\x00", "damaged"),
        (b"\x00\x00\x00\x06\xff\xff\xff\xff\x0f\x00", "says that it holds 4294967295"),
        (b"\x00\x00\x00\x06\xff\xff\xff\xff\xff\x0f", "does not begin with its length"),
    ],
)
def test_damage_is_noticed(raw: bytes, told: str) -> None:
    with pytest.raises(Damaged, match=told):
        plain(raw)
