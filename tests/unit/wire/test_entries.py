"""Entries in bulk, against protobuf's own reading and writing of one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monolith.core.errors import DataError
from monolith.core.records import framed
from monolith.wire import frames
from monolith.wire.embedding_hash_table_pb2 import EntryDump
from monolith.wire.entries import Entries, EntryShape, State, framed_entries, parse_entries

SHAPE = EntryShape(
    3,
    11,
    [
        State("ftrl", {"norm": (3, 4), "zero": (4, 5)}),
        State("sgd", {}),
        State("batch_softmax", {"global_step": (11, 13)}),
        State("adam", {"m": (5, 7), "v": (7, 9), "beta1_power": (9, 10), "beta2_power": (10, 11)}),
    ],
)  # column 13 is told by nobody
UNSAID = np.arange(14, dtype=np.float32)
WORDS = st.integers(0, 2**32 - 1)


def message(fid: int, row: np.ndarray, time: int | None) -> EntryDump:
    entry = EntryDump(id=fid, num=row[:3].tolist(), last_update_ts_sec=time)
    kinds = ("ftrl", "sgd", "batch_softmax", "adam")
    ftrl, _, softmax, adam = (getattr(entry.opt.dump.add(), kind) for kind in kinds)
    entry.opt.dump[1].sgd.SetInParent()
    softmax.global_step = int(row[11:13].view("<i8")[0])
    ftrl.norm.extend(row[3:4].tolist())
    ftrl.zero.extend(row[4:5].tolist())
    adam.m.extend(row[5:7].tolist())
    adam.v.extend(row[7:9].tolist())
    adam.beta1_power, adam.beta2_power = row[9:11].tolist()
    return entry


def parsed(*payloads: bytes) -> Entries:
    buf = np.frombuffer(b"".join(map(framed, payloads)), np.uint8)
    return parse_entries(SHAPE, buf, frames.find(buf)[0], UNSAID)


@st.composite
def entries(draw: st.DrawFn) -> Entries:
    fids = draw(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4))
    rows = draw(arrays(np.uint32, (len(fids), 14), elements=WORDS)).view(np.float32)
    times = draw(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=len(fids), max_size=len(fids)))
    return Entries(np.array(fids, np.int64), np.nan_to_num(rows), np.array(times, np.int64))


@given(entries())
def test_protobuf_reads_what_is_written(given_: Entries) -> None:
    records = framed_entries(SHAPE, given_)
    assert len(records) == len(given_.fids)
    for record, fid, row, time in zip(records, *given_, strict=True):
        payload = record[frames.HEAD : frames.HEAD - frames.OVERHEAD].tobytes()
        assert record.tobytes() == framed(payload)
        assert EntryDump.FromString(payload) == message(fid, row, time)


@given(entries())
def test_what_protobuf_writes_is_read(given_: Entries) -> None:
    found = parsed(*(message(*one).SerializeToString() for one in zip(*given_, strict=True)))
    given_.rows[:, 13:] = UNSAID[13:]
    for ours, theirs in zip(found, given_, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_bytes_are_as_protobufs() -> None:
    """Where all times are equally long, and int64s as long as they can be."""
    rows = np.arange(28, dtype=np.float32).reshape(2, 14)
    rows[:, 12] = -1.0  # the upper half of a number below 0
    given_ = Entries(np.array([5, -5]), rows, np.array([1_700_000_000, 300_000_000]))
    expected = [framed(message(*one).SerializeToString()) for one in zip(*given_, strict=True)]
    assert [record.tobytes() for record in framed_entries(SHAPE, given_)] == expected


def test_what_is_not_told_is_unsaid() -> None:
    """A serving entry has no optimizer; an optimizer may have kept nothing, or not all."""
    serving, partly = EntryDump(id=1, num=[7, 8, 9]), EntryDump(id=2, num=[7, 8, 9])
    partly.opt.dump.add()
    partly.opt.dump.add().sgd.SetInParent()
    partly.opt.dump.add()
    partly.opt.dump.add().adam.beta1_power = 0.5
    found = parsed(serving.SerializeToString(), partly.SerializeToString())
    assert found.rows[0].tolist() == [7, 8, 9, *UNSAID[3:]]
    assert found.rows[1].tolist() == [7, 8, 9, *UNSAID[3:9], 0.5, *UNSAID[10:]]
    assert found.fids.tolist() == [1, 2]


def test_packed_numbers_and_unknown_fields() -> None:
    """As other writers may have them: field 2 as one run of bytes, and a field 9 of a later version."""
    packed = b"\x12\x0c" + np.array([1, 2, 3], "<f4").tobytes() + b"\x4a\x02hi" + b"\x20\x07"
    found = parsed(packed)
    assert (found.rows[0, :3].tolist(), found.fids.tolist()) == ([1, 2, 3], [0])
    assert np.asarray(found.times).tolist() == [7]


def changed(**fields: object) -> bytes:
    entry = message(5, np.ones(14, np.float32), 1)
    for name, value in fields.items():
        held = entry.opt.dump[3].adam if name in ("m", "v") else entry
        held.ClearField(name)
        getattr(held, name).extend(value)
    return entry.SerializeToString()


def other_optimizer() -> bytes:
    entry = message(5, np.ones(14, np.float32), 1)
    entry.opt.dump[1].momentum.n.append(1)
    return entry.SerializeToString()


def too_many() -> bytes:
    entry = message(5, np.ones(14, np.float32), 1)
    entry.opt.dump.add()
    return entry.SerializeToString()


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (changed(num=[1, 2]), "more or fewer numbers"),
        (changed(num=[1, 2, 3, 4]), "more or fewer numbers"),
        (changed(m=[1, 2, 3]), "more or fewer numbers"),
        (changed(v=[1]), "more or fewer numbers"),
        (other_optimizer(), "of another optimizer"),
        (too_many(), "more segments"),
        (changed()[:-20], "runs past the end"),
        (b"\x09" + bytes(8) + b"\x10\x01", "wire type"),
    ],
)
def test_rows_made_otherwise_are_refused(payload: bytes, told: str) -> None:
    with pytest.raises(DataError, match=rf"^the entry of id (5|0): .*{told}"):
        parsed(message(4, np.ones(14, np.float32), 1).SerializeToString(), payload)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    """As protobuf takes them, apart from what is no row of this shape."""
    try:
        found = parsed(payload)
    except DataError:
        return
    theirs = EntryDump.FromString(payload)
    assert (found.fids.tolist(), found.rows[0, :3].tolist()) == ([theirs.id], list(theirs.num))
