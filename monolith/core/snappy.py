"""Snappy as TensorFlow writes it: blocks, each behind its compressed length in four bytes, highest first.

A block of snappy has no checksum; TFRecord, for which this is, brings its own.
"""

from __future__ import annotations

import struct
from typing import Any

from monolith.core.errors import MissingExtra

_LENGTH = struct.Struct(">I")
BLOCK = 256 * 1024  # bytes before compression; TensorFlow's reader has room for no more unless it is told
_AT_MOST = 64  # times its size that a block can hold: what lies would have us allocate any amount


class SnappyWriter:
    """Bytes in, blocks out."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def compress(self, data: bytes) -> bytes:
        """Whole blocks of what was given so far; the rest waits."""
        self._waiting += data
        whole = len(self._waiting) - len(self._waiting) % BLOCK
        blocks = [_block(bytes(self._waiting[at : at + BLOCK])) for at in range(0, whole, BLOCK)]
        del self._waiting[:whole]
        return b"".join(blocks)

    def flush(self) -> bytes:
        """The last block."""
        rest = bytes(self._waiting)
        self._waiting.clear()
        return _block(rest) if rest else b""


class SnappyBlocks:
    """Blocks in, bytes out, as zlib's decompressors do it. `eof` where nothing is left of a block."""

    unused_data = b""

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def eof(self) -> bool:
        return not self._held

    def decompress(self, data: bytes) -> bytes:
        """What the blocks that are whole now hold.

        Raises:
            ValueError: a block is not snappy.
        """
        self._held += data
        out = []
        at = 0
        while len(self._held) - at >= _LENGTH.size:
            end = at + _LENGTH.size + int(_LENGTH.unpack_from(self._held, at)[0])
            if end > len(self._held):
                break
            out.append(_plain(bytes(self._held[at + _LENGTH.size : end])))
            at = end
        del self._held[:at]
        return b"".join(out)


def _block(data: bytes) -> bytes:
    compressed: bytes = _arrow().compress(data, codec="snappy", asbytes=True)
    return _LENGTH.pack(len(compressed)) + compressed


def _plain(block: bytes) -> bytes:
    size = _size(block)
    if size > _AT_MOST * len(block):
        raise ValueError(f"a block of {len(block)} bytes of snappy says that it holds {size}")
    try:
        plain: bytes = _arrow().decompress(block, size, codec="snappy", asbytes=True)
    except OSError as exc:
        raise ValueError(f"a block of snappy is damaged: {exc}") from exc
    return plain


def _size(block: bytes) -> int:
    """The length of what a block holds, with which it begins: seven bits a byte, lowest first."""
    size = 0
    for k, byte in enumerate(block[:5]):
        size |= (byte & 127) << 7 * k
        if byte < 128:
            return size
    raise ValueError("a block of snappy does not begin with its length")


def _arrow() -> Any:
    try:
        import pyarrow
    except ModuleNotFoundError as exc:
        raise MissingExtra("snappy compression", "arrow") from exc
    return pyarrow
