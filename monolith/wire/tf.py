"""TensorFlow's messages, from a descriptor pool of our own.

Generated modules would put `tensorflow.*` into protobuf's one default pool, where TensorFlow's own stubs
may already be: protobuf then refuses whichever comes second.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass


def new_pool() -> DescriptorPool:
    """Another pool with the same descriptors, to which others can be added."""
    held = DescriptorPool()
    described = files("monolith.wire").joinpath("tensorflow.binpb").read_bytes()
    for file in FileDescriptorSet.FromString(described).file:
        held.Add(file)
    return held


pool = new_pool()


@cache
def message(full_name: str) -> Any:
    """Give the class of a message, e.g. `message("tensorflow.Event")`.

    Raises:
        KeyError: protos/tensorflow/ has no such message.
    """
    return GetMessageClass(pool.FindMessageTypeByName(full_name))


@cache
def enum(full_name: str) -> dict[str, int]:
    """Give the names and numbers of an enum, e.g. `enum("tensorflow.DataType")["DT_FLOAT"]`."""
    return {value.name: value.number for value in pool.FindEnumTypeByName(full_name).values}
