"""Arrays in messages are what other programs read and write in repeated fields."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import DimensionMismatch
from monolith.wire import codec
from monolith.wire.ps_training_pb2 import ApplyGradientsRequest, LookupRequest, LookupResponse

FLOAT, BOOL, INT64 = (
    FieldDescriptorProto.TYPE_FLOAT,
    FieldDescriptorProto.TYPE_BOOL,
    FieldDescriptorProto.TYPE_INT64,
)
FLOATS = st.lists(st.floats(width=32), max_size=20)
FIDS = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20)


def twin(*, packed: bool, **fields: tuple[int, int]) -> type:
    """A message whose fields are repeated numbers, as the reference declares them."""
    file = FileDescriptorProto(name=f"twin_{packed}.proto", package="twin", syntax="proto3")
    message = file.message_type.add(name="Twin")
    for name, (number, kind) in fields.items():
        field = message.field.add(
            name=name, number=number, type=kind, label=FieldDescriptorProto.LABEL_REPEATED
        )
        field.options.packed = packed
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("twin.Twin"))


PACKED = twin(packed=True, fids=(2, INT64), embeddings=(3, FLOAT), found=(4, BOOL))
LOOSE = twin(packed=False, fids=(2, INT64), gradients=(3, FLOAT))


@given(FLOATS, st.lists(st.booleans()))
def test_arrays_read_as_repeated(floats: list[float], flags: list[bool]) -> None:
    ours = LookupResponse(
        embeddings=codec.float_bytes(np.array(floats, np.float32)),
        found=codec.flag_bytes(np.array(flags, bool)),
    )
    theirs = PACKED.FromString(ours.SerializeToString())
    np.testing.assert_array_equal(theirs.embeddings, np.array(floats, np.float32))
    assert list(theirs.found) == flags


@given(FLOATS, st.lists(st.booleans()))
def test_repeated_read_as_arrays(floats: list[float], flags: list[bool]) -> None:
    theirs = PACKED(embeddings=floats, found=flags)
    ours = LookupResponse.FromString(theirs.SerializeToString())
    np.testing.assert_array_equal(codec.floats_of(ours.embeddings, ""), np.array(floats, np.float32))
    assert codec.flags_of(ours.found).tolist() == flags


@given(FIDS, st.booleans())
def test_fids_survive_both_ways(fids: list[int], packed: bool) -> None:
    message = LookupRequest()
    codec.put_fids(message, np.array(fids, np.int64), packed=packed)
    assert (len(message.fids) == 0) == (packed or not fids)
    assert codec.fids_of(LookupRequest.FromString(message.SerializeToString())).tolist() == fids


@pytest.mark.parametrize("peer", [PACKED, LOOSE], ids=["packed", "unpacked"])
def test_varint_fids_are_read(peer: type) -> None:
    theirs = peer(fids=[3, -1, 2**62])
    assert codec.fids_of(LookupRequest.FromString(theirs.SerializeToString())).tolist() == [3, -1, 2**62]


def test_unpacked_floats_are_refused() -> None:
    theirs = LOOSE(fids=[1], gradients=[0.5, 0.25])
    ours = ApplyGradientsRequest.FromString(theirs.SerializeToString())
    with pytest.raises(DimensionMismatch, match="expected 2, got 0"):
        codec.rows_of(ours.gradients, 1, 2, "gradients")


@pytest.mark.parametrize("field", [b"\0" * 7, b"\0" * 9])
def test_half_a_number_is_refused(field: bytes) -> None:
    with pytest.raises(
        DimensionMismatch, match=f"expected 8, got {len(field)}" if len(field) > 8 else "got 7"
    ):
        codec.fids_of(LookupRequest(fids_le=field))
    with pytest.raises(DimensionMismatch):
        codec.floats_of(field, "gradients")


def test_numbers_are_little_endian() -> None:
    message = LookupRequest()
    codec.put_fids(message, np.array([1], ">i8"), packed=True)
    assert message.fids_le == b"\1" + b"\0" * 7
    assert codec.float_bytes(np.array([1], ">f4")) == b"\0\0\x80\x3f"
