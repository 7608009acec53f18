"""Large fields beside a message instead of in it.

protobuf copies a `bytes` field into the message and out of it again. For a megabyte of rows, in memory
that the system hands out afresh each time, that took longer than looking the rows up. Here a buffer is
copied once, into the bytes that are sent; who reads them sees no difference.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

from google.protobuf.message import Message

Buffer: TypeAlias = bytes | memoryview
LENGTH_DELIMITED = 2


class Sendable(Protocol):
    """What can be sent: a message, or a framed one."""

    def SerializeToString(self) -> bytes: ...  # noqa: N802  protobuf's name


class Framed:
    """A message in parts: `head` has its small fields, `put` and `nest` add large ones.

    A field that is added must be neither in `head` nor, unless it is repeated, added twice.
    """

    def __init__(self, head: Message) -> None:
        self._parts: list[Buffer] = [head.SerializeToString()]

    def put(self, number: int, value: Buffer) -> None:
        """Add a `bytes` field, or a repeated one whose packed form `value` is."""
        self._add(number, [value])

    def nest(self, number: int, message: Framed) -> None:
        """Add a field that is a message."""
        self._add(number, message._parts)

    def SerializeToString(self) -> bytes:  # noqa: N802  as a message does
        return b"".join(self._parts)

    def _add(self, number: int, parts: list[Buffer]) -> None:
        size = sum(memoryview(part).nbytes for part in parts)
        self._parts += [_varint(number << 3 | LENGTH_DELIMITED) + _varint(size), *parts]


def _varint(value: int) -> bytes:
    low_first = bytearray()
    while value > 0x7F:
        low_first.append(value & 0x7F | 0x80)
        value >>= 7
    low_first.append(value)
    return bytes(low_first)
