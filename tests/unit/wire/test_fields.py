"""The fields of any message, told apart without knowing what it is."""

from __future__ import annotations

import numpy as np
import pytest

from monolith.core.errors import DataError
from monolith.wire.fields import FIXED32, FIXED64, LENGTH, VARINT, fields


def octets(text):
    return np.frombuffer(bytes.fromhex(text), np.uint8)


def test_each_field_has_number_type_and_place():
    """Of a varint the third is its value, here 300; of the others where they begin."""
    found = fields(octets("08 ac02  12 02 abcd  1d 00000000  21 0000000000000000  ba 01 00"))
    assert found.tolist() == [
        [1, VARINT, 300, 3],
        [2, LENGTH, 5, 7],
        [3, FIXED32, 8, 12],
        [4, FIXED64, 13, 21],
        [23, LENGTH, 24, 24],
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("08 01 12 02 ab", "byte 2 of the message: a field runs past the end"),
        ("08 01 0b", "byte 2 of the message: a field has a wire type"),
        ("08 01 08" + "ff" * 10, "byte 2 of the message: a number is longer than ten bytes"),
        ("02 00", "byte 0 of the message: .*a field's number is not in"),
    ],
)
def test_place_of_a_fault_is_told(text, said):
    with pytest.raises(DataError, match=said):
        fields(octets(text))
