"""Arrays in one buffer: what was put in comes out, aligned, and damage is noticed."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from monolith.wire.blocks import ALIGNMENT, Blocks, Reader, Sheet, padded

HEAD = struct.Struct("<IHH")
ARRAYS = st.lists(st.tuples(st.sampled_from(["<i8", "<f4", "<f2", "<u4", "?"]), st.integers(0, 9)))


def written(kinds: list[tuple[str, int]], name: bytes = b"a name") -> bytes:
    blocks = Blocks()
    blocks.pack(HEAD, 1, 2, 3)
    blocks.put(name)
    for dtype, count in kinds:
        blocks.put_array(np.arange(count) % 2, np.dtype(dtype))
    return b"".join(blocks.parts)


@given(ARRAYS, st.binary(max_size=9))
def test_what_goes_in_comes_out(kinds: list[tuple[str, int]], name: bytes) -> None:
    reader = Reader(written(kinds, name))
    assert reader.unpack(HEAD) == (1, 2, 3)
    assert reader.take(len(name)) == name
    for dtype, count in kinds:
        array = reader.array(np.dtype(dtype), count)
        assert array.dtype == np.dtype(dtype)
        assert array.tolist() == (np.arange(count) % 2).tolist()
        assert array.flags.aligned
    reader.finish()


@given(ARRAYS)
def test_all_begins_at_a_multiple(kinds: list[tuple[str, int]]) -> None:
    assert len(written(kinds)) % ALIGNMENT == 0


@pytest.mark.parametrize("missing", [8, 16, 40])
def test_an_early_end_is_noticed(missing: int) -> None:
    reader = Reader(written([("<i8", 4)])[:-missing])
    with pytest.raises(DecodeError, match="it ends after"):
        reader.unpack(HEAD), reader.take(6), reader.array(np.dtype("<i8"), 4)


def test_a_late_end_is_noticed() -> None:
    reader = Reader(written([]) + bytes(8))
    reader.unpack(HEAD)
    reader.take(6)
    with pytest.raises(DecodeError, match="8 bytes too many"):
        reader.finish()


def test_no_array_is_copied() -> None:
    rows = np.ones((2, 3), np.float32)
    blocks = Blocks()
    blocks.put_array(rows, np.dtype("<f4"))
    assert np.shares_memory(np.frombuffer(blocks.parts[0], np.float32), rows)


@given(ARRAYS, st.binary(min_size=6, max_size=6))
def test_a_sheet_is_blocks(kinds: list[tuple[str, int]], name: bytes) -> None:
    """Written in place, it is what would have been put together."""
    starts = [2 * ALIGNMENT]
    for dtype, count in kinds:
        starts.append(starts[-1] + padded(count * np.dtype(dtype).itemsize))
    sheet = Sheet(starts[-1])
    sheet.pack(0, HEAD, 1, 2, 3)
    sheet.put(ALIGNMENT, name + bytes(ALIGNMENT - len(name)))
    for start, (dtype, count) in zip(starts, kinds, strict=False):
        sheet.array(start, np.dtype(dtype), count)[:] = np.arange(count) % 2
    assert sheet.whole == written(kinds, name)
