"""TFRecord files: how records lie in a file, and every way in which that can be found broken.

A record is its length (u64 LE), the masked CRC32C of those 8 bytes (u32 LE), the payload, and the masked
CRC32C of the payload (u32 LE). Datasets, event files and checkpoints share this framing, with TensorFlow.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import google_crc32c

from monolith.core.choice import choice
from monolith.core.errors import RecordCorrupt
from monolith.core.files import replacing
from monolith.core.inflate import Compression, Damaged, deflating, inflating

_LENGTH = struct.Struct("<Q")
_CRC = struct.Struct("<I")
_HEAD = _LENGTH.size + _CRC.size
OVERHEAD = _HEAD + _CRC.size  # bytes a record takes beyond its payload
_PIECE = 16 << 20  # bytes asked for at once: a length that lies allocates no more than this


def masked_crc(data: bytes | memoryview) -> int:
    """CRC32C of `data`, rotated and shifted as TFRecord wants it (a CRC of data that holds CRCs is weak)."""
    crc: int = google_crc32c.value(bytes(data))
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def framed(payload: bytes) -> bytes:
    """`payload` as one record."""
    length = _LENGTH.pack(len(payload))
    return b"".join((length, _CRC.pack(masked_crc(length)), payload, _CRC.pack(masked_crc(payload))))


class Record(NamedTuple):
    """A payload and where its record begins, in decompressed bytes."""

    offset: int
    payload: bytes


class RecordWriter:
    """Writes a record file, which appears when the `with` block ends well, or not at all.

    Attributes: `count` records so far, their `size` in bytes and their `crc32c`, both before compression.
    """

    def __init__(self, path: Path | str, *, compression: Compression | None = None) -> None:
        self._path = Path(path)
        self._how = _how(self._path, compression)
        self._file = replacing(self._path)
        self.count = self.size = self.crc32c = 0

    def __enter__(self) -> RecordWriter:
        self._out = deflating(self._file.__enter__(), self._how)
        return self

    def write(self, payload: bytes) -> None:
        record = framed(payload)
        self._out.write(record)
        self.count += 1
        self.size += len(record)
        self.crc32c = google_crc32c.extend(self.crc32c, record)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is None:
            self._out.finish()
        self._file.__exit__(kind, error, trace)


def _how(path: Path, told: Compression | None) -> Compression:
    return Compression.of(path) if told is None else choice(Compression, told, "compression")


def write_records(path: Path | str, payloads: Iterable[bytes], compression: Compression | None = None) -> int:
    """Write `payloads` as a record file, whole or not at all; returns how many there were.

    `compression` None: by the suffix of `path`.

    Raises:
        ConfigError: there is no such compression.
    """
    with RecordWriter(path, compression=compression) as writer:
        for payload in payloads:
            writer.write(payload)
    return writer.count


def read_records(
    path: Path | str, verify: bool = True, compression: Compression | None = None
) -> Iterator[bytes]:
    """The payloads of a record file, in order. `verify` False skips the payloads' checksums only.

    Raises:
        ConfigError: there is no such compression.
        RecordCorrupt: at the first record that is not whole, with its offset in decompressed bytes.
        OSError: the file cannot be opened or read.
    """
    return (record.payload for record in scan_records(path, verify, compression))


def scan_records(
    path: Path | str, verify: bool = True, compression: Compression | None = None
) -> Iterator[Record]:
    """As `read_records`, with the offset of each."""
    path = Path(path)
    how = _how(path, compression)
    with path.open("rb") as file:
        stream = _Source(inflating(file, how), path)
        while (payload := stream.record(verify)) is not None:
            yield Record(stream.offset - len(payload) - OVERHEAD, payload)


def read_record_at(file: BinaryIO, path: Path, offset: int, verify: bool = True) -> bytes:
    """The payload of the record that begins at byte `offset` of an open, uncompressed file.

    Raises:
        RecordCorrupt: there is no whole record.
    """
    file.seek(offset)
    payload = _Source(file, path, offset).record(verify)
    if payload is None:
        raise RecordCorrupt("the file ends where a record should begin", path=path, offset=offset)
    return payload


class _Source:
    """Reads records and knows where it is, so that each complaint has a place."""

    def __init__(self, file: BinaryIO, path: Path, offset: int = 0) -> None:
        self._file = file
        self._path = path
        self.offset = offset

    def record(self, verify: bool) -> bytes | None:
        """The next payload, or None at a clean end."""
        head = self._read(_HEAD)
        if not head:
            return None
        length = self._length(head)
        body = self._read(length + _CRC.size)
        if len(body) < length + _CRC.size:
            raise self._corrupt(f"record of {length} bytes is cut short after {len(body)}")
        payload = body[:length]
        if verify:
            self._check("payload", payload, body[length:])
        self.offset += length + OVERHEAD
        return payload

    def _length(self, head: bytes) -> int:
        if len(head) < _HEAD:
            raise self._corrupt(f"record header is cut short after {len(head)} of {_HEAD} bytes")
        self._check("length", head[: _LENGTH.size], head[_LENGTH.size :])
        return int(_LENGTH.unpack_from(head)[0])

    def _check(self, what: str, data: bytes, stored: bytes) -> None:
        computed, (found,) = masked_crc(data), _CRC.unpack(stored)
        if computed != found:
            raise self._corrupt(f"{what} has checksum {computed:#010x}, the record says {found:#010x}")

    def _read(self, count: int) -> bytes:
        """`count` bytes, or what there is. A large count is read in pieces."""
        try:
            if count <= _PIECE:
                return self._file.read(count)
            return self._pieces(count)
        except Damaged as exc:
            raise self._corrupt(f"compressed data is damaged ({exc})") from exc

    def _pieces(self, count: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < count and (piece := self._file.read(min(_PIECE, count - len(pieces)))):
            pieces += piece
        return bytes(pieces)

    def _corrupt(self, message: str) -> RecordCorrupt:
        return RecordCorrupt(message, path=self._path, offset=self.offset)
