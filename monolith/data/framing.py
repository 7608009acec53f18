"""How streams of Instance and Example messages frame their records: a size, after what a pipeline prepends.

Sizes and words are 8 bytes, little-endian. Unlike TFRecord there are no checksums.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import attrs

from monolith.core.errors import ConfigError, RecordCorrupt
from monolith.core.inflate import Compression, Damaged, inflating

_WORD = struct.Struct("<Q")
_POISON = 0xFEFEFEFE  # what a writer of the format leaves where memory was never set
_PIECE = 16 << 20  # bytes asked for at once: a size that lies allocates no more than this


@attrs.frozen(kw_only=True)
class Framing:
    """What stands before the size of each record, in this order.

    Raises:
        ConfigError: both `lagrangex_header` and `kafka_dump_prefix`.
    """

    lagrangex_header: bool = False  # a word: message type in the low byte, data source in the next three
    kafka_dump_prefix: bool = False  # a word: the size of the sort id, or 0 and a word without meaning
    has_sort_id: bool = False  # a size, unless the prefix gave it, and so many bytes
    kafka_dump: bool = False  # a word without meaning

    def __attrs_post_init__(self) -> None:
        if self.lagrangex_header and self.kafka_dump_prefix:
            raise ConfigError(["lagrangex_header=True, kafka_dump_prefix=True: only one can be first"])


PLAIN = Framing()


class Framed(NamedTuple):
    """One record of a stream."""

    payload: bytes
    sort_id: bytes = b""
    message_type: int = 0
    data_source_key: int = 0


def read_framed(path: Path, framing: Framing = PLAIN) -> Iterator[Framed]:
    """The records of a file, in order. Compression is told by its suffix.

    Raises:
        RecordCorrupt: a record is cut short, or its size cannot be; with its place.
    """
    with path.open("rb") as file:
        stream = _Stream(inflating(file, Compression.of(path)), path)
        while not stream.at_end():
            yield _record(stream, framing)


def framed(record: Framed, framing: Framing = PLAIN) -> bytes:
    """`record` as the bytes that `read_framed` reads."""
    parts = []
    if framing.lagrangex_header:
        parts.append(_WORD.pack(record.message_type | record.data_source_key))
    if framing.kafka_dump_prefix:
        parts.append(_WORD.pack(0) * 2)
    if framing.has_sort_id:
        parts += [_WORD.pack(len(record.sort_id)), record.sort_id]
    if framing.kafka_dump:
        parts.append(_WORD.pack(0))
    return b"".join((*parts, _WORD.pack(len(record.payload)), record.payload))


def _record(stream: _Stream, framing: Framing) -> Framed:
    header = stream.word("header") if framing.lagrangex_header else 0
    sort_size = stream.word("prefix") if framing.kafka_dump_prefix else 0
    if framing.kafka_dump_prefix and not sort_size:
        stream.word("prefix")
    sort_id = b""
    if framing.has_sort_id:
        sort_id = stream.take("sort id", sort_size or stream.word("size of the sort id"))
    if framing.kafka_dump:
        stream.word("dump word")
    payload = stream.take("payload", stream.word("size of the payload"))
    return Framed(payload, sort_id, header & 0xFF, header & 0xFFFFFF00)


class _Stream:
    """Reads words and bytes, and knows where the record began."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._read = self._began = 0
        self._ahead = b""

    def at_end(self) -> bool:
        """Whether the stream ends here; if not, a record begins."""
        self._began = self._read
        self._ahead = self._some(1)
        return not self._ahead

    def word(self, what: str) -> int:
        return int(_WORD.unpack(self.take(what, _WORD.size))[0])

    def take(self, what: str, size: int) -> bytes:
        if size == _POISON:
            raise self._corrupt(f"{what}: DEADBEEF value found, the writer never set the size")
        got = bytearray()
        while len(got) < size and (piece := self._some(min(_PIECE, size - len(got)))):
            got += piece
        if len(got) < size:
            raise self._corrupt(f"{what} of {size} bytes is cut short after {len(got)}")
        self._read += size
        return bytes(got)

    def _some(self, size: int) -> bytes:
        ahead, self._ahead = self._ahead, b""
        try:
            return ahead + self._file.read(size - len(ahead))
        except Damaged as exc:
            raise self._corrupt(f"compressed data is damaged ({exc})") from exc

    def _corrupt(self, message: str) -> RecordCorrupt:
        return RecordCorrupt(message, path=self._path, offset=self._began)
