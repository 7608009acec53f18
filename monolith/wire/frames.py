"""TFRecord files with very many small records: framing and checksums without a call a record.

`core.records` says how a record lies in a file. Here whole arrays of records are framed, or found, at once.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monolith.wire.fields import Octets
from monolith.wire.kernel import inlined, kernel

HEAD: Final = 12  # bytes before a payload: its length and the checksum of that
OVERHEAD: Final = HEAD + 4
_POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), its bits turned round

CUT_SHORT: Final = 1
LENGTH_WRONG: Final = 2
PAYLOAD_WRONG: Final = 3
TOLD: Final = {
    CUT_SHORT: "the file ends in the middle of a record",
    LENGTH_WRONG: "a record's length has another checksum than the record says",
    PAYLOAD_WRONG: "a record's payload has another checksum than the record says",
}


def _tables() -> NDArray[np.uint64]:
    """Remainders for eight bytes at a time (slicing-by-8: Kounavis and Berry, 2005)."""
    tables = np.zeros((8, 256), np.uint64)
    crc = np.arange(256, dtype=np.uint64)
    for _ in range(8):
        crc = np.where(crc & 1, crc >> 1 ^ _POLYNOMIAL, crc >> 1).astype(np.uint64)
    tables[0] = crc
    for k in range(1, 8):
        tables[k] = tables[k - 1] >> 8 ^ tables[0][tables[k - 1] & 255]
    return tables


_TABLES = _tables()


def frame(records: Octets) -> None:
    """Fill in the framing of `records` (n, OVERHEAD + size), whose payloads stand at HEAD, in place."""
    size = records.shape[1] - OVERHEAD
    records[:, :8] = np.frombuffer(np.uint64(size).astype("<u8").tobytes(), np.uint8)
    _seal(records, _TABLES)


def find(buf: Octets, *, verify: bool = True) -> tuple[NDArray[np.int64], int, int]:
    """The whole records at the beginning of `buf`.

    Returns:
        where their payloads begin and end (n, 2); where the first record that is not whole or not sound
        begins; and what is wrong with that one, a key of TOLD (CUT_SHORT: more bytes may help), or 0.
    """
    bounds = np.empty((len(buf) // OVERHEAD, 2), np.int64)
    count, at, fault = _find(buf, verify, bounds, _TABLES)
    return bounds[:count], at, fault


@kernel
def _find(
    buf: Octets, verify: bool, bounds: NDArray[np.int64], tables: NDArray[np.uint64]
) -> tuple[int, int, int]:
    count: Any = 0
    at: Any = 0
    while at < len(buf):
        left = len(buf) - at
        if left < HEAD:
            return count, at, CUT_SHORT
        if _masked(_crc(buf, at, at + 8, tables)) != _word(buf, at + 8):
            return count, at, LENGTH_WRONG
        size = np.int64(_word(buf, at)) | np.int64(_word(buf, at + 4)) << 32
        if size < 0 or size > left - OVERHEAD:
            return count, at, CUT_SHORT
        begin, end = at + HEAD, at + HEAD + size
        if verify and _masked(_crc(buf, begin, end, tables)) != _word(buf, end):
            return count, at, PAYLOAD_WRONG
        bounds[count, 0], bounds[count, 1] = begin, end
        count += 1
        at = end + 4
    return count, at, 0


@kernel
def _seal(records: Octets, tables: NDArray[np.uint64]) -> None:
    for i in range(len(records)):
        record = records[i]
        end = len(record) - 4
        _put(record, 8, _masked(_crc(record, 0, 8, tables)))
        _put(record, end, _masked(_crc(record, HEAD, end, tables)))


@inlined
def _crc(buf: Octets, at: Any, end: Any, tables: NDArray[np.uint64]) -> Any:
    """Unsigned throughout: numba would otherwise ask of each index whether it counts from the end."""
    crc, low = np.uint64(0xFFFFFFFF), np.uint64(255)
    at, end = np.uint64(at), np.uint64(end)
    while end - at >= np.uint64(8):
        word = _word(buf, at) ^ crc
        crc = (
            tables[np.uint64(7), word & low]
            ^ tables[np.uint64(6), word >> np.uint64(8) & low]
            ^ tables[np.uint64(5), word >> np.uint64(16) & low]
            ^ tables[np.uint64(4), word >> np.uint64(24)]
        )
        word = _word(buf, at + np.uint64(4))
        crc ^= (
            tables[np.uint64(3), word & low]
            ^ tables[np.uint64(2), word >> np.uint64(8) & low]
            ^ tables[np.uint64(1), word >> np.uint64(16) & low]
            ^ tables[np.uint64(0), word >> np.uint64(24)]
        )
        at += np.uint64(8)
    while at < end:
        crc = tables[np.uint64(0), (crc ^ np.uint64(buf[at])) & low] ^ crc >> np.uint64(8)
        at += np.uint64(1)
    return crc ^ np.uint64(0xFFFFFFFF)


@inlined
def _masked(crc: Any) -> Any:
    turned = crc >> np.uint64(15) | crc << np.uint64(17)
    return turned + np.uint64(0xA282EAD8) & np.uint64(0xFFFFFFFF)


@inlined
def _word(buf: Octets, at: Any) -> Any:
    """Four bytes, little-endian, written out: a compiler makes one load of it."""
    at = np.uint64(at)
    low = np.uint64(buf[at]) | np.uint64(buf[at + np.uint64(1)]) << np.uint64(8)
    high = np.uint64(buf[at + np.uint64(2)]) | np.uint64(buf[at + np.uint64(3)]) << np.uint64(8)
    return low | high << np.uint64(16)


@inlined
def _put(buf: Octets, at: int, word: Any) -> None:
    for k in range(4):
        buf[at + k] = word >> np.uint64(8 * k) & np.uint64(255)
