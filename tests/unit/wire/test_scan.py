"""The scanner agrees with protobuf, and no bytes make it crash."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st

from monolith.core.errors import DataError
from monolith.wire import example_pb2 as pb
from monolith.wire.fields import fields
from monolith.wire.scan import Scratch, column, name
from tests.unit.wire.strategies import features


def octets(data):
    return np.frombuffer(bytes(data), np.uint8)


def scan_column(data):
    """As in the middle of a message: what comes before and after must not matter."""
    around = np.concatenate([octets(b"\x12" * 3), data, octets(b"\x00" * 20)])
    return column(around, 3, 3 + len(data), Scratch(len(data)))


def scanned(message):
    data = octets(message.SerializeToString())
    return scan_column(data)


def expected(feature):
    """What a Feature holds, as protobuf's own classes tell it."""
    member = feature.WhichOneof("type")
    if member is None:
        return []
    held = getattr(feature, member)
    return list(held.value) if member.endswith("_list") else [held]


def rows(found):
    values = found.values.view(np.uint64) if found.kind in (1, 2) else found.values
    return (
        [part.tolist() for part in np.split(values, found.row_splits[1:-1])]
        if len(found.row_splits) > 1
        else []
    )


@given(features(), st.text(max_size=5), st.sampled_from([0, 1]))
def test_a_column_is_what_protobuf_reads(drawn, named, kind):
    message = pb.NamedFeatureList(name=named, feature=drawn, type=kind)
    found = scanned(message)
    assert rows(found) == [expected(feature) for feature in drawn]
    assert found.shared == bool(kind)
    data = octets(message.SerializeToString())
    assert name(data, 0, len(data)) == named


UNPACKED = {
    "fixed64": (bytes.fromhex("12 0d 12 0b 09 0100000000000000 5001"), [[1]]),
    "float": (bytes.fromhex("12 0c 1a 0a 0d 0000803f 0d 00000040"), [[1.0, 2.0]]),
    "varint": (bytes.fromhex("12 06 2a 04 08 01 08 02"), [[1, 2]]),
    "in two runs": (bytes.fromhex("12 08 2a 02 0a00 2a 02 0801"), [[1]]),
    "scalar twice": (bytes.fromhex("12 04 60 01 60 02"), [[2]]),
}


@pytest.mark.parametrize(("data", "held"), UNPACKED.values(), ids=UNPACKED.keys())
def test_other_encodings_are_read_too(data, held):
    message = pb.NamedFeatureList.FromString(data)
    assert [expected(feature) for feature in message.feature] == held
    assert rows(scan_column(octets(data))) == held


FAULTS = {
    "cut": ("12 0c 12 0a 0a 08 01", "past the end"),
    "cut varint": ("12", "past the end"),
    "cut value": ("12 06 12 04 0a 02 01 02", "past the end"),
    "list outgrows its row": ("12 02 12 02 0a 00", "past the end"),
    "row outgrows the batch": ("12 09 12 00", "past the end"),
    "wire type": ("13", "wire type"),
    "row is a number": ("10 01", "wire type"),
    "list is a number": ("12 02 10 01", "wire type"),
    "float in a fid list": ("12 07 12 05 0d 00000000", "wire type"),
    "field 0": ("02 00", "number"),
    "endless varint": ("10" + "ff" * 10, "longer than ten"),
    "negative length": ("12 ffffffffffffffffff01", "past the end"),
    "rows differ": ("12 02 12 00 12 02 1a 00", "different kinds"),
    "members differ": ("12 04 12 00 1a 00", "different kinds"),
    "bytes": ("12 02 32 00", "bytes or lists"),
    "lists of lists": ("12 02 3a 00", "bytes or lists"),
}


@pytest.mark.parametrize(("text", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_malformed_is_named(text, said):
    data = octets(bytes.fromhex(text))
    with pytest.raises(DataError, match=said):
        scan_column(data)


def test_a_name_must_be_text():
    data = octets(b"\x0a\x01\xff")
    with pytest.raises(DataError, match="not UTF-8"):
        name(data, 0, len(data))


@given(st.binary(max_size=60))
@example(bytes.fromhex("12ffffffffffffffff7f"))
def test_no_bytes_make_it_crash(data):
    for scan in (fields, scan_column, lambda octs: name(octs, 0, len(octs))):
        _scan_or_refuse(scan, octets(data))


@given(features(), st.data())
def test_damage_is_refused_or_read_alike(drawn, data):
    """What is accepted after a byte was changed or cut off is what protobuf makes of it, if it accepts it."""
    whole = bytearray(pb.NamedFeatureList(name="n", feature=drawn).SerializeToString())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    damaged = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    found = _scan_or_refuse(scan_column, octets(damaged))
    try:
        message = pb.NamedFeatureList.FromString(damaged)
    except DecodeError:
        return
    if found is not None:
        assert repr(rows(found)) == repr([expected(feature) for feature in message.feature])


def _scan_or_refuse(scan, data):
    try:
        return scan(data)
    except DataError:
        return None
