"""Framing whole arrays of records, against the framing of one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.records import framed
from monolith.wire import frames

PAYLOADS = st.lists(st.binary(max_size=40), max_size=5)


@given(st.integers(0, 40), st.data())
def test_many_are_framed_as_one_is(size: int, data: st.DataObject) -> None:
    payloads = data.draw(st.lists(st.binary(min_size=size, max_size=size), max_size=4))
    records = np.empty((len(payloads), frames.OVERHEAD + size), np.uint8)
    for record, payload in zip(records, payloads, strict=True):
        record[frames.HEAD : frames.HEAD + size] = np.frombuffer(payload, np.uint8)
    frames.frame(records)
    assert [record.tobytes() for record in records] == [framed(payload) for payload in payloads]


@given(PAYLOADS, st.data())
def test_whole_records_are_found(payloads: list[bytes], data: st.DataObject) -> None:
    """Whatever is missing at the end."""
    records = [framed(payload) for payload in payloads]
    buf = b"".join(records)
    cut = data.draw(st.integers(0, len(buf)))
    bounds, at, fault = frames.find(np.frombuffer(buf[:cut], np.uint8))
    ends = np.cumsum([len(record) for record in records])
    whole = int((ends <= cut).sum())
    assert [buf[begin:end] for begin, end in bounds.tolist()] == payloads[:whole]
    assert at == sum(map(len, records[:whole]))
    assert fault == (0 if at == cut else frames.CUT_SHORT)


@pytest.mark.parametrize(("verify", "last"), [(True, frames.PAYLOAD_WRONG), (False, 0)])
def test_an_altered_byte_is_noticed(verify: bool, last: int) -> None:
    """In the length or its checksum always; in the payload or its checksum if asked."""
    record = framed(b"ninechars")
    for at in range(len(record)):
        altered = bytearray(record)
        altered[at] ^= 0x10
        _, _, fault = frames.find(np.frombuffer(bytes(altered), np.uint8), verify=verify)
        assert fault == (frames.LENGTH_WRONG if at < frames.HEAD else last)
