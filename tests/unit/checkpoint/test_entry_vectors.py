"""Upstream's entries, one by one: trained, dumped, read back and trained on."""

from __future__ import annotations

import numpy as np
import pytest

from monolith.checkpoint.entry_reading import read_table
from monolith.checkpoint.entry_tables import dump_of, write_table
from monolith.core.records import read_records, write_records
from monolith.table import compressors
from monolith.table.config import Adagrad, Constants, FixedR8, Fp32, Segment, Sgd, TableConfig, Zeros
from monolith.table.table import Table
from monolith.wire.embedding_hash_table_pb2 import EntryDump
from tests.upstream import by_name

VECTORS = by_name("entry")
FID = np.array([7])


def test_time_and_state_survive(tmp_path):
    vector = VECTORS["save_restore_with_timestamp"]
    given, expect, near = vector["given"]["segment"], vector["expect"], vector["tolerance"]
    config = TableConfig([Segment(given["dim"], Zeros(), Adagrad(**given["opt"]["adagrad"]))])
    first, second = Table(config), Table(config)
    first.apply(FID, np.ones((1, 1)), [1.0])
    np.testing.assert_allclose(first.find(FID)[0], [expect["after_first"]], atol=near)
    write_table(tmp_path / "t", dump_of(config, first.export(), time=100))
    read = read_table(tmp_path / "t", config)
    assert read.times.tolist() == [expect["restored_timestamp"]]
    second.restore(read.rows)
    second.apply(FID, np.ones((1, 1)), [1.0])
    np.testing.assert_allclose(second.find(FID)[0], [expect["after_second"]], atol=near)


def test_serving_keeps_full_precision(tmp_path):
    vector = VECTORS["serving_entry_fp32_restore_then_read"]
    config = TableConfig([Segment(vector["given"]["segment"]["dim"], Zeros(), Sgd())])
    write_records(tmp_path / "t", [EntryDump(id=7, **vector["given"]["dump"]).SerializeToString()])
    (tmp_path / "t").rename(tmp_path / "t-00000-of-00001")
    read = read_table(tmp_path / "t", config)
    served = compressors.decode(Fp32(), compressors.encode(Fp32(), read.rows.values))
    assert served.tolist() == [vector["expect"]["embedding"]]
    assert read.times.tolist() == [vector["expect"]["timestamp"]]


def test_rounded_reads_of_full_precision():
    """Both halves read as rounded within their range, and 1 - 1 is 0 in both."""
    vector = VECTORS["quantized_entry_fixed_ranges"]
    given, expect = vector["given"], vector["expect"]
    start, halves = Constants(given["initial_embedding"]), zip(given["dims"], given["ranges_r"], strict=True)
    table = Table(TableConfig([Segment(dim, start, Sgd(1.0), FixedR8(r)) for dim, r in halves]))
    before = np.split(table.find_or_insert(FID)[0][0], np.cumsum(given["dims"])[:-1])
    for half, name in zip(before, ("first_half_within", "second_half_within"), strict=True):
        value, step = expect["read_before"][name]
        assert half == pytest.approx(value, abs=step)
    table.apply(FID, np.full((1, table.dim), given["then_optimizer_subtracts_grad"]))
    np.testing.assert_allclose(table.find(FID)[0], expect["read_after"], atol=vector["tolerance"])


def test_an_entry_has_what_upstreams_has(tmp_path):
    """Of two fids one was forgotten: there is no entry of it."""
    vector = by_name("hash_table")["batch_lookup_entry_missing_is_empty"]
    asked, (nothing, expected) = vector["given"]["ids"], vector["expect"]["entries"]
    table = Table(TableConfig([Segment(1, Zeros(), Sgd())]))
    table.assign(asked, [[2], expected["num"]])
    table.evict(asked[:1])
    (path,) = write_table(tmp_path / "t", dump_of(table.config, table.export()))
    (entry,) = map(EntryDump.FromString, read_records(path))
    entries = {entry.id: entry}
    assert (entries.get(asked[0], nothing), list(entry.num)) == ("", expected["num"])
    assert (entries[asked[1]].last_update_ts_sec, entry.opt.dump[0].WhichOneof("type")) == (0, "sgd")
