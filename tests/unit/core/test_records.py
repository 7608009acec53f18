"""Record files: what goes in comes out, and no damage goes unnoticed."""

from __future__ import annotations

import struct

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import RecordCorrupt
from monolith.core.inflate import Compression
from monolith.core.records import (
    OVERHEAD,
    RecordWriter,
    framed,
    masked_crc,
    read_record_at,
    read_records,
    scan_records,
    write_records,
)

PAYLOADS = [b"abc", b"", b"x" * 50]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.tfrecord"


@given(st.lists(st.binary(max_size=300), max_size=8), st.sampled_from(Compression))
def test_what_is_written_is_read(tmp_path_factory, payloads, how):
    path = tmp_path_factory.mktemp("records") / "file"
    assert write_records(path, payloads, how) == len(payloads)
    assert list(read_records(path, compression=how)) == payloads


@given(st.binary(max_size=200), st.sampled_from(Compression), st.booleans())
def test_no_bytes_make_it_crash(tmp_path_factory, data, how, verify):
    path = tmp_path_factory.mktemp("records") / "file"
    path.write_bytes(data)
    assert _read_or_refused(path, how, verify) in ([], None)


@pytest.mark.parametrize("suffix", [".gz", ".GZIP", ".zlib", ".z", ".zst", ".zstd"])
def test_a_suffix_compresses(tmp_path, suffix):
    path = tmp_path / f"some{suffix}"
    write_records(path, [b"a" * 10_000])
    assert path.stat().st_size < 200
    assert list(read_records(path)) == [b"a" * 10_000]


def test_the_bytes_are_tensorflows():
    assert framed(b"abc").hex() == "0300000000000000b099490e6162636e57f121"
    assert masked_crc(b"123456789") == 0xC78AB0E5


def test_every_flipped_byte_is_found(path):
    write_records(path, PAYLOADS)
    whole = path.read_bytes()
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 0x10]) + whole[i + 1 :])
        with pytest.raises(RecordCorrupt) as caught:
            list(read_records(path))
        assert caught.value.path == str(path)
        assert caught.value.offset <= i


def test_every_cut_inside_a_record_is_found(path):
    write_records(path, PAYLOADS)
    whole = path.read_bytes()
    ends = {record.offset for record in scan_records(path)}
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        if length in ends:  # a shorter file, but a whole one: a dataset's index knows better
            assert list(read_records(path)) == PAYLOADS[: sorted(ends).index(length)]
        else:
            with pytest.raises(RecordCorrupt, match="cut short"):
                list(read_records(path))


@pytest.mark.parametrize("how", [Compression.GZIP, Compression.ZLIB, Compression.ZSTD])
def test_a_damaged_stream_never_lies(path, how):
    write_records(path, PAYLOADS, how)
    whole = path.read_bytes()
    flipped = [whole[:i] + bytes([whole[i] ^ 0x10]) + whole[i + 1 :] for i in range(len(whole))]
    for damaged in flipped + [whole[:length] for length in range(1, len(whole))]:
        path.write_bytes(damaged)
        assert _read_or_refused(path, how) in (PAYLOADS, None)


def _read_or_refused(path, how, verify=True):
    try:
        return list(read_records(path, verify, how))
    except RecordCorrupt:
        return None


def test_streams_after_each_other_are_one(path):
    for name in ("a", "b"):
        write_records(path.with_name(name), [name.encode()], Compression.GZIP)
    path.write_bytes(path.with_name("a").read_bytes() + path.with_name("b").read_bytes())
    assert list(read_records(path, compression=Compression.GZIP)) == [b"a", b"b"]


@pytest.mark.parametrize("verify", [True, False])
def test_an_absurd_length_allocates_nothing(path, verify):
    length = struct.pack("<Q", 1 << 62)
    path.write_bytes(length + struct.pack("<I", masked_crc(length)) + b"little")
    with pytest.raises(RecordCorrupt, match=f"{1 << 62} bytes is cut short after 6"):
        list(read_records(path, verify))


def test_unverified_reading_skips_payloads(path):
    path.write_bytes(framed(b"abc").replace(b"abc", b"abd"))
    assert list(read_records(path, verify=False)) == [b"abd"]


def test_a_failed_write_leaves_what_was(path):
    write_records(path, [b"old"])
    with pytest.raises(ZeroDivisionError):
        write_records(path, (1 // 0 for _ in range(1)))
    assert list(read_records(path)) == [b"old"]
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_writer_counts_what_it_wrote(path):
    with RecordWriter(path) as writer:
        for payload in PAYLOADS:
            writer.write(payload)
    data = path.read_bytes()
    assert (writer.count, writer.size, writer.crc32c) == (3, len(data), google_crc32c.value(data))


def test_a_record_is_read_from_its_offset(path):
    write_records(path, PAYLOADS)
    offset = len(PAYLOADS[0]) + 2 * OVERHEAD
    with path.open("rb") as file:
        assert read_record_at(file, path, offset) == PAYLOADS[2]
        with pytest.raises(RecordCorrupt, match="should begin"):
            read_record_at(file, path, path.stat().st_size)
        with pytest.raises(RecordCorrupt, match=f"at byte {offset + 1}: length has checksum"):
            read_record_at(file, path, offset + 1)
