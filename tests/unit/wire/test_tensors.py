"""TensorProto and numpy hold the same values, whichever of TensorProto's ways they travel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from monolith.core.errors import InvalidRequest
from monolith.wire.tensors import MAX_ELEMENTS, to_array, to_tensor
from monolith.wire.tf import enum, message

TYPES = enum("tensorflow.DataType")
NUMBERS = [np.dtype(code) for code in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")]


def tensor(dtype, shape, **values):
    made = message("tensorflow.TensorProto")(dtype=TYPES[dtype], **values)
    for size in shape:
        made.tensor_shape.dim.add(size=size)
    return made


@given(
    st.sampled_from(NUMBERS).flatmap(lambda d: arrays.arrays(d, arrays.array_shapes(min_dims=0, min_side=0)))
)
def test_numbers_come_back(values):
    back = to_array("x", to_tensor(values))
    np.testing.assert_array_equal(back, values)
    assert back.dtype == values.dtype


@given(st.lists(st.binary(max_size=5)))
def test_text_comes_back_as_bytes(values):
    assert to_array("x", to_tensor(np.array(values, object))).tolist() == values


@pytest.mark.parametrize("dtype", ["<U3", object])
def test_text_is_sent_as_utf8(dtype):
    assert to_array("x", to_tensor(np.array(["é", "b"], dtype))).tolist() == ["é".encode(), b"b"]


def test_bytes_of_the_other_order_are_turned():
    assert to_array("x", to_tensor(np.array([1, 256], ">i4"))).tolist() == [1, 256]


@pytest.mark.parametrize(
    ("dtype", "field", "sent", "meant"),
    [
        ("DT_FLOAT", "float_val", [1.5, -2], [1.5, -2]),
        ("DT_DOUBLE", "double_val", [1.5, -2], [1.5, -2]),
        ("DT_INT32", "int_val", [1, -2], [1, -2]),
        ("DT_INT8", "int_val", [1, -2], [1, -2]),
        ("DT_UINT16", "int_val", [1, 65535], [1, 65535]),
        ("DT_INT64", "int64_val", [1, -2], [1, -2]),
        ("DT_UINT32", "uint32_val", [1, 2**32 - 1], [1, 2**32 - 1]),
        ("DT_UINT64", "uint64_val", [1, 2**64 - 1], [1, 2**64 - 1]),
        ("DT_BOOL", "bool_val", [True, False], [True, False]),
        ("DT_HALF", "half_val", [0x3C00, 0xC000], [1.0, -2.0]),
        ("DT_STRING", "string_val", [b"a", b""], [b"a", b""]),
    ],
)
def test_value_lists_are_read(dtype, field, sent, meant):
    assert to_array("x", tensor(dtype, [2], **{field: sent})).tolist() == meant


def test_last_value_fills_the_shape():
    assert to_array("x", tensor("DT_INT64", [2, 2], int64_val=[1, 7])).tolist() == [[1, 7], [7, 7]]


def test_no_value_is_an_empty_array():
    assert to_array("x", tensor("DT_FLOAT", [0, 3])).shape == (0, 3)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (tensor("DT_FLOAT", [2]), "has 0 values, but shape (2,) takes 2"),
        (tensor("DT_FLOAT", [1], float_val=[1, 2]), "has 2 values, but shape (1,) takes 1"),
        (
            tensor("DT_FLOAT", [3], tensor_content=b"12345678"),
            "has 8 bytes, but shape (3,) of float32 takes 12",
        ),
        (tensor("DT_FLOAT", [-1], float_val=[1]), "has no definite shape"),
        (tensor("DT_INT8", [1], int_val=[300]), "has a value that is no int8"),
        (tensor("DT_HALF", [1], half_val=[-1]), "has a value that is no float16"),
        (tensor("DT_COMPLEX64", [1]), "has type DT_COMPLEX64, which is not served"),
        (tensor("DT_FLOAT", [MAX_ELEMENTS, 2], float_val=[1]), f"more than {MAX_ELEMENTS} values"),
    ],
)
def test_refusal_names_the_input(broken, told):
    with pytest.raises(InvalidRequest) as caught:
        to_array("age", broken)
    assert "input 'age'" in str(caught.value)
    assert told in str(caught.value)
    assert caught.value.input == "age"


def test_unserved_dtype_is_refused():
    with pytest.raises(TypeError, match="complex64"):
        to_tensor(np.zeros(1, np.complex64))
