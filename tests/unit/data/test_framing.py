"""Framed streams: as their origin reads them, and as we write them."""

from __future__ import annotations

import gzip
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import ConfigError, RecordCorrupt
from monolith.data.framing import Framed, Framing, framed, read_framed
from tests.upstream import vectors

OPTIONS = ("lagrangex_header", "kafka_dump_prefix", "has_sort_id", "kafka_dump")
FRAMINGS = [
    Framing(**dict(zip(OPTIONS, chosen, strict=True)))
    for chosen in itertools.product([False, True], repeat=4)
    if not (chosen[0] and chosen[1])
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "stream"


@pytest.mark.parametrize("vector", vectors("data_framing"))
def test_vectors_hold(vector, path):
    if "raises" in vector["expect"]:
        path.write_bytes(int(vector["given"]["size_word"], 16).to_bytes(8, "little"))
        with pytest.raises(RecordCorrupt, match="DEADBEEF value found"):
            list(read_framed(path))
        return
    path.write_bytes(bytes.fromhex(vector["given"]["bytes_hex"]))
    (record,) = read_framed(path, Framing(**vector["given"]["options"]))
    assert record.payload.decode() == vector["expect"]["record"]
    assert record.sort_id.decode() == vector["expect"].get("skipped_sort_id", record.sort_id.decode())


@given(
    st.sampled_from(FRAMINGS),
    st.lists(
        st.tuples(st.binary(max_size=20), st.binary(max_size=5), st.integers(0, 255), st.integers(0, 99))
    ),
)
def test_what_is_framed_is_read(tmp_path_factory, framing, drawn):
    path = tmp_path_factory.mktemp("framing") / "stream"
    records = [Framed(payload, sort_id, kind, key << 8) for payload, sort_id, kind, key in drawn]
    path.write_bytes(b"".join(framed(record, framing) for record in records))
    for wrote, read in zip(records, read_framed(path, framing), strict=True):
        assert read.payload == wrote.payload
        assert read.sort_id == (wrote.sort_id if framing.has_sort_id else b"")
        assert (read.message_type, read.data_source_key) == (
            wrote[2:] if framing.lagrangex_header else (0, 0)
        )


@pytest.mark.parametrize("framing", FRAMINGS, ids=str)
def test_every_cut_is_found(path, framing):
    one, two = framed(Framed(b"first", b"ab"), framing), framed(Framed(b"second"), framing)
    for length in set(range(len(one + two))) - {0, len(one)}:
        path.write_bytes((one + two)[:length])
        with pytest.raises(RecordCorrupt, match="cut short") as caught:
            list(read_framed(path, framing))
        assert caught.value.offset == (0 if length < len(one) else len(one))


def test_an_absurd_size_allocates_nothing(path):
    path.write_bytes(b"\xff" * 7 + b"\x0f" + b"little")
    with pytest.raises(RecordCorrupt, match="is cut short after 6"):
        list(read_framed(path))


def test_a_suffix_compresses(tmp_path):
    path = tmp_path / "stream.gz"
    data = gzip.compress(framed(Framed(b"hello")))
    path.write_bytes(data)
    assert [record.payload for record in read_framed(path)] == [b"hello"]
    path.write_bytes(data[:-4])
    with pytest.raises(RecordCorrupt, match="compressed data is damaged"):
        list(read_framed(path))


def test_two_first_words_cannot_be():
    with pytest.raises(ConfigError, match="only one can be first"):
        Framing(lagrangex_header=True, kafka_dump_prefix=True)
