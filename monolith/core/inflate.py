"""Whole-file compression: gzip, zlib, zstd and snappy streams that notice when they are cut short."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, cast

_CHUNK = 64 * 1024  # compressed bytes at a time: bounds what one step can inflate to
_SUFFIXES = {".gz": "gzip", ".gzip": "gzip", ".zlib": "zlib", ".z": "zlib", ".zst": "zstd", ".zstd": "zstd"}
_GZIP, _ZLIB = 31, 15  # zlib's `wbits`: which header and trailer it expects


class Compression(StrEnum):
    """How a whole file is compressed, as TensorFlow's record readers understand it (zstd is ours).

    SNAPPY has no suffix: others name their own framing of it `.snappy`.
    """

    NONE = "none"
    GZIP = "gzip"
    ZLIB = "zlib"
    ZSTD = "zstd"
    SNAPPY = "snappy"

    @staticmethod
    def of(path: Path) -> Compression:
        """What the suffix of `path` says, in any case; NONE for every other suffix."""
        return Compression(_SUFFIXES.get(path.suffix.lower(), "none"))


class Damaged(ValueError):
    """A compressed stream ends before its own end mark, or its bytes are not what was written."""


def inflating(file: BinaryIO, how: Compression) -> BinaryIO:
    """`file` decompressed while it is read.

    Reading raises Damaged.
    """
    if how is Compression.NONE:
        return file
    begin, error = _decompressor(how)
    return cast(BinaryIO, io.BufferedReader(_Inflating(file, begin, error), _CHUNK))


def deflating(file: BinaryIO, how: Compression) -> _Deflating:
    """A writer whose `write` compresses into `file`; its `finish` writes the end mark."""
    return _Deflating(file, _compressor(how))


class _Inflating(io.RawIOBase):
    """Several streams one after another count as one, as `cat a.gz b.gz` makes them."""

    def __init__(self, file: BinaryIO, begin: Callable[[], Any], error: type[Exception]) -> None:
        self._file = file
        self._begin = begin
        self._error = error
        self._stream = begin()
        self._ready = memoryview(b"")
        self._unread = b""
        self._began = False

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._ready:
            if not self._more():
                return 0
        count = min(len(target), len(self._ready))
        target[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _more(self) -> bool:
        data = self._unread or self._file.read(_CHUNK)
        self._unread = b""
        if not data:
            if self._began and not self._stream.eof:
                raise Damaged("it ends in the middle")
            return False
        if self._stream.eof:
            self._stream = self._begin()
        self._began = True
        try:
            self._ready = memoryview(self._stream.decompress(data))
        except self._error as exc:
            raise Damaged(str(exc)) from exc
        self._unread = self._stream.unused_data
        return True


class _Deflating:
    def __init__(self, file: BinaryIO, stream: Any) -> None:
        self._file = file
        self._stream = stream

    def write(self, data: bytes) -> None:
        self._file.write(self._stream.compress(data) if self._stream else data)

    def finish(self) -> None:
        if self._stream:
            self._file.write(self._stream.flush())


def _decompressor(how: Compression) -> tuple[Callable[[], Any], type[Exception]]:
    """How to begin a stream, and the error it raises."""
    if how is Compression.ZSTD:
        import zstandard

        return lambda: zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError
    if how is Compression.SNAPPY:
        from monolith.core.snappy import SnappyBlocks

        return SnappyBlocks, ValueError
    bits = _GZIP if how is Compression.GZIP else _ZLIB
    return lambda: zlib.decompressobj(bits), zlib.error


def _compressor(how: Compression) -> Any:
    if how is Compression.NONE:
        return None
    if how is Compression.ZSTD:
        import zstandard

        return zstandard.ZstdCompressor(write_checksum=True).compressobj()
    if how is Compression.SNAPPY:
        from monolith.core.snappy import SnappyWriter

        return SnappyWriter()
    return zlib.compressobj(wbits=_GZIP if how is Compression.GZIP else _ZLIB)
