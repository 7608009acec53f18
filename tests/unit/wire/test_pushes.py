"""A push reads as what was sent, however its sender wrote the repeated fields."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import DataError
from monolith.wire import parameter_sync_pb2 as pb
from monolith.wire.emit import varints
from monolith.wire.fields import LENGTH
from monolith.wire.framing import Framed
from monolith.wire.pushes import Push, read_push

INT64 = st.integers(-(2**63), 2**63 - 1)
FLOAT = st.floats(width=32, allow_nan=False)
DELTA = pb.PushRequest.DeltaEmbeddingHashTable
TABLE = st.tuples(st.text(), st.integers(0, 2**31 - 1), *[st.lists(kind) for kind in (INT64, FLOAT, INT64)])


def packed(name, dim, fids, values, removed):
    delta = Framed(DELTA(unique_id=name, dim_size=dim, removed=removed))
    delta.put(3, varints(np.array(fids, np.int64)))
    delta.put(4, np.array(values, "<f4").tobytes())
    return delta.SerializeToString()


def one_by_one(name, dim, fids, values, removed):
    return DELTA(
        unique_id=name, dim_size=dim, fids=fids, embeddings=values, removed=removed
    ).SerializeToString()


@given(st.lists(st.tuples(TABLE, st.sampled_from([packed, one_by_one]), st.sampled_from([3, 5]))))
def test_rows_come_as_they_were_sent(tables):
    request = Framed(pb.PushRequest(model_name="ctr"))
    for table, written, field in tables:
        request.put(field, written(*table))
    found = read_push(request.SerializeToString()).deltas
    told = [(d.table, d.dim, d.fids.tolist(), d.values.tolist(), d.removed.tolist()) for d in found]
    assert told == [table for table, *_ in tables]


def test_packed_and_single_numbers_mix():
    both = one_by_one("a", 1, [1, -2], [1, 2], []) + packed("b", 1, [3], [3], [4])
    request = Framed(pb.PushRequest())
    request.put(3, both)
    (delta,) = read_push(request.SerializeToString()).deltas
    assert (delta.table, delta.fids.tolist(), delta.values.tolist()) == ("b", [1, -2, 3], [1, 2, 3])


@given(
    st.integers(0, 2**64 - 1),
    INT64,
    st.integers(0, 2**31 - 1),
    st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_head_comes_as_it_was_sent(sender, number, shard, flags):
    begin, end, partial = flags
    request = pb.PushRequest(
        model_name="ctr",
        signature_name="x",
        sender=sender,
        sequence=number,
        shard=shard,
        shards=shard,
        whole_begin=begin,
        whole_end=end,
        as_of_ms=number,
        partial=partial,
    ).SerializeToString()
    assert read_push(request) == Push(
        model="ctr",
        deltas=[],
        sender=sender,
        sequence=number,
        shard=shard,
        shards=shard,
        whole_begin=begin,
        whole_end=end,
        partial=partial,
        as_of_ms=number,
        size=len(request),
    )


def test_nothing_said_is_one_shard_of_one():
    assert read_push(b"") == Push(model="", shard=0, shards=1, deltas=[])


@pytest.mark.parametrize(
    ("delta", "told"),
    [
        (b"\x22\x03abc", "a field runs past the end"),  # three bytes of floats
        (b"\x18\xff", "a field runs past the end"),
        (b"\x19" + b"x" * 8, "a wire type that its number does not have"),  # fids of eight bytes
        (b"\x0a\x01\xff", "a name is not UTF-8"),
    ],
)
def test_malformed_table_is_told(delta, told):
    request = bytes([3 << 3 | LENGTH, len(delta)]) + delta
    with pytest.raises(DataError, match=told):
        read_push(request)


@given(TABLE, st.data())
def test_cut_push_is_never_misread(table, data):
    """A part of a push is refused, or says less; nothing is made up."""
    request = Framed(pb.PushRequest())
    request.put(3, packed(*table))
    whole = request.SerializeToString()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with suppress(DataError):
        assert read_push(whole[:cut]).deltas == []
