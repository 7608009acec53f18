"""Numbers and arrays one after the other in one buffer, each beginning at a multiple of eight bytes.

Nothing is done per element: an array goes in with one copy and comes out as a view, aligned as the
machine wants it. All numbers are little-endian.
"""

from __future__ import annotations

import ctypes
import struct
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from monolith.wire.framing import Buffer

ALIGNMENT = 8
_PADDING = [bytes(n) for n in range(ALIGNMENT)]
_WRITABLE = 0x200  # PyBUF_WRITE

_new_bytes = ctypes.pythonapi.PyBytes_FromStringAndSize
_new_bytes.argtypes, _new_bytes.restype = (ctypes.c_void_p, ctypes.c_ssize_t), ctypes.py_object
_address_of = ctypes.pythonapi.PyBytes_AsString
_address_of.argtypes, _address_of.restype = (ctypes.py_object,), ctypes.c_void_p
_view_of = ctypes.pythonapi.PyMemoryView_FromMemory
_view_of.argtypes = (ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)
_view_of.restype = ctypes.py_object


def padded(size: int) -> int:
    """So many bytes, and what is left to the next block."""
    return size + -size % ALIGNMENT


class Blocks:
    """Collects `parts`; `b"".join` of them is the buffer."""

    __slots__ = ("parts",)

    def __init__(self) -> None:
        self.parts: list[Buffer] = []

    def pack(self, layout: struct.Struct, *values: int) -> None:
        """Add numbers; the size of `layout` must be a multiple of eight."""
        self.parts.append(layout.pack(*values))

    def put(self, block: bytes) -> None:
        """Add bytes, whose number the reader must know from elsewhere."""
        self.parts.append(block)
        self._pad(len(block))

    def put_array(self, array: NDArray[Any], dtype: np.dtype[Any]) -> None:
        """Add an array as `dtype`, without a copy where it is so already; its reader must know the length."""
        held = np.ascontiguousarray(array, dtype)
        if held.size:
            self.parts.append(held.data.cast("B"))
            self._pad(held.nbytes)

    def _pad(self, size: int) -> None:
        if over := size % ALIGNMENT:
            self.parts.append(_PADDING[ALIGNMENT - over])


class Sheet:
    """What `Blocks` collect, in a buffer of `size` bytes, so that arrays are written where they will lie.

    `whole` is the buffer, once all of it has been written: there is nothing in it before.
    """

    __slots__ = ("_view", "whole")

    def __init__(self, size: int) -> None:
        # As the C API has it: new bytes without content, to be written by whoever made them. Any other way
        # writes or copies a megabyte once more, which takes a tenth of the time of looking its rows up.
        self.whole: bytes = _new_bytes(None, size)
        self._view: memoryview = _view_of(_address_of(self.whole), size, _WRITABLE)

    def put(self, at: int, block: Buffer) -> None:
        self._view[at : at + len(block)] = block

    def pack(self, at: int, layout: struct.Struct, *values: int) -> None:
        layout.pack_into(self._view, at, *values)

    def array(self, at: int, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        """The `count` numbers from the byte `at` on, to be written while this lives."""
        end = at + count * dtype.itemsize
        if over := end % ALIGNMENT:
            self._view[end : end + ALIGNMENT - over] = _PADDING[ALIGNMENT - over]
        return np.frombuffer(self._view, dtype, count, at) if count else np.empty(0, dtype)


class Reader:
    """Reads what `Blocks` wrote from `body`, beginning at the byte `at`.

    Each method raises DecodeError where the buffer ends too early.
    """

    __slots__ = ("_at", "_body")

    def __init__(self, body: Buffer, at: int = 0) -> None:
        self._body = body
        self._at = at

    def unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        start = self._step(layout.size)
        return layout.unpack_from(self._body, start)

    def take(self, size: int) -> Buffer:
        start = self._step(size)
        return self._body[start : start + size]

    def array(self, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        """The next `count` numbers: a view, so read-only."""
        start = self._step(dtype.itemsize * count)
        if not count:
            return np.empty(0, dtype)
        return np.frombuffer(self._body, dtype, count, start)

    def finish(self) -> None:
        """Raise DecodeError if there is more."""
        if left := len(self._body) - self._at:
            raise DecodeError(f"{left} bytes too many")

    def _step(self, size: int) -> int:
        start, end = self._at, self._at + size
        if end > len(self._body):
            raise DecodeError(f"it ends after {len(self._body)} bytes, and {end} were announced")
        self._at = end + -end % ALIGNMENT
        return start
