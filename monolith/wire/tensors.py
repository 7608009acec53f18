"""TensorProto to numpy and back. Text is bytes, in arrays of objects."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monolith.core.errors import InvalidRequest
from monolith.wire.tf import enum, message

MAX_ELEMENTS = 1 << 24  # a shape costs nothing to send: a few bytes must not make us fill gigabytes

_TYPES = enum("tensorflow.DataType")
_NAMES = {number: name for name, number in _TYPES.items()}
_STRING = _TYPES["DT_STRING"]
_HALF = _TYPES["DT_HALF"]

_DTYPES: dict[int, np.dtype[Any]] = {
    _TYPES[name]: np.dtype(dtype)
    for name, dtype in {
        "DT_FLOAT": "<f4",
        "DT_DOUBLE": "<f8",
        "DT_HALF": "<f2",
        "DT_INT8": "i1",
        "DT_INT16": "<i2",
        "DT_INT32": "<i4",
        "DT_INT64": "<i8",
        "DT_UINT8": "u1",
        "DT_UINT16": "<u2",
        "DT_UINT32": "<u4",
        "DT_UINT64": "<u8",
        "DT_BOOL": "?",
    }.items()
}
_NUMBERS = {dtype: number for number, dtype in _DTYPES.items()}

# Where the values are when they are not in tensor_content.
_LISTS = {
    _TYPES["DT_FLOAT"]: "float_val",
    _TYPES["DT_DOUBLE"]: "double_val",
    _TYPES["DT_INT64"]: "int64_val",
    _TYPES["DT_UINT32"]: "uint32_val",
    _TYPES["DT_UINT64"]: "uint64_val",
    _TYPES["DT_BOOL"]: "bool_val",
    _HALF: "half_val",
}


def to_tensor(values: NDArray[Any]) -> Any:
    """`values` as a TensorProto; arrays of objects or text become DT_STRING.

    Raises:
        TypeError: TensorFlow has no word for the dtype.
    """
    tensor = message("tensorflow.TensorProto")()
    for size in values.shape:
        tensor.tensor_shape.dim.add(size=size)
    if values.dtype.kind in "OSU":
        tensor.dtype = _STRING
        tensor.string_val.extend(_octets(v) for v in values.reshape(-1).tolist())
        return tensor
    little = values.dtype.newbyteorder("<")
    if little not in _NUMBERS:
        raise TypeError(f"TensorProto has no word for dtype {values.dtype}")
    tensor.dtype = _NUMBERS[little]
    tensor.tensor_content = np.ascontiguousarray(values, little).tobytes()
    return tensor


def to_array(name: str, tensor: Any) -> NDArray[Any]:
    """The array in the TensorProto of input `name`; text as an array of bytes objects.

    As in TensorFlow, fewer values than the shape asks for means that the last one repeats.

    Raises:
        InvalidRequest: shape, type and values do not belong together.
    """
    shape = _shape(name, tensor)
    if tensor.dtype == _STRING:
        return _filled(name, np.array(tensor.string_val, object), shape)
    if tensor.dtype not in _DTYPES:
        told = _NAMES.get(tensor.dtype, tensor.dtype)
        raise InvalidRequest(f"input {name!r} has type {told}, which is not served", input=name)
    dtype = _DTYPES[tensor.dtype]
    if tensor.tensor_content:
        return _from_content(name, tensor.tensor_content, dtype, shape)
    return _filled(name, _from_list(name, tensor, dtype), shape)


def _shape(name: str, tensor: Any) -> tuple[int, ...]:
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if tensor.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise InvalidRequest(f"input {name!r} has no definite shape", input=name)
    if math.prod(shape) > MAX_ELEMENTS:
        raise InvalidRequest(
            f"input {name!r} has shape {shape}: more than {MAX_ELEMENTS} values; send smaller batches",
            input=name,
        )
    return shape


def _from_content(name: str, content: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if len(content) != math.prod(shape) * dtype.itemsize:
        raise InvalidRequest(
            f"input {name!r} has {len(content)} bytes, but shape {shape} of {dtype.name} takes"
            f" {math.prod(shape) * dtype.itemsize}",
            input=name,
        )
    return np.frombuffer(content, dtype).reshape(shape)


def _from_list(name: str, tensor: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    held = getattr(tensor, _LISTS.get(tensor.dtype, "int_val"))
    try:
        if tensor.dtype == _HALF:  # half_val holds bit patterns
            return np.array(held, np.uint16).view(dtype)
        return np.array(held, dtype)
    except OverflowError:
        raise InvalidRequest(f"input {name!r} has a value that is no {dtype.name}", input=name) from None


def _filled(name: str, values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    wanted = math.prod(shape)
    if len(values) > wanted or (wanted and not len(values)):
        raise InvalidRequest(
            f"input {name!r} has {len(values)} values, but shape {shape} takes {wanted}", input=name
        )
    if len(values) < wanted:
        values = np.concatenate([values, np.repeat(values[-1:], wanted - len(values))])
    return values.reshape(shape)


def _octets(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
