"""What is written is what protobuf reads, and what our own reader does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.wire import parameter_sync_pb2 as pb
from monolith.wire.emit import varints
from monolith.wire.push_writing import write_push
from monolith.wire.pushes import Delta, read_push

int64 = st.integers(-(2**63), 2**63 - 1)
fids = st.lists(int64, max_size=5).map(lambda ids: np.array(ids, np.int64))


@st.composite
def deltas(draw: st.DrawFn) -> Delta:
    ids, dim = draw(fids), draw(st.integers(1, 3))
    values = np.arange(len(ids) * dim, dtype=np.float32)
    return Delta(draw(st.text(max_size=3)), dim, ids, values, draw(fids))


@given(st.lists(deltas(), max_size=3), st.integers(0, 2**64 - 1))
def test_protobuf_reads_what_is_written(written: list[Delta], sender: int) -> None:
    read = pb.PushRequest.FromString(write_push(pb.PushRequest(model_name="m", sender=sender), written))
    assert (read.model_name, read.sender) == ("m", sender)
    for delta, table in zip(written, read.delta_hash_tables, strict=True):
        assert (table.unique_id, table.dim_size) == (delta.table, delta.dim)
        assert list(table.fids) == delta.fids.tolist()
        assert list(table.embeddings) == delta.values.tolist()
        assert list(table.removed) == delta.removed.tolist()


@given(deltas())
def test_our_reader_reads_what_is_written(delta: Delta) -> None:
    [read] = read_push(write_push(pb.PushRequest(), [delta])).deltas
    for name in ("fids", "values", "removed"):
        assert getattr(read, name).tolist() == getattr(delta, name).tolist()


@pytest.mark.parametrize(
    ("number", "octets"), [(0, 1), (127, 1), (128, 2), (2**63 - 1, 9), (-1, 10), (-(2**63), 10)]
)
def test_a_varint_is_as_short_as_can_be(number: int, octets: int) -> None:
    assert len(varints(np.array([number]))) == octets
