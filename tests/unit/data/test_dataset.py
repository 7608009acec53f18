"""Reading a dataset: every row exactly as often as asked, in an order that a seed decides."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from monolith.core.errors import ConfigError, DataError, RecordCorrupt, SchemaError
from monolith.core.fids import make_fid
from monolith.data import order
from monolith.data.dataset import SCHEMA as SCHEMA_FILE
from monolith.data.dataset import Dataset
from monolith.data.reading import Reading
from tests.unit.data.conftest import ROWS, labels

SIZES = (1, 7, 10, 64, 1000)


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    monkeypatch.setattr(order, "WINDOW_ROWS", 40)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("num_workers", [1, 2, 9, 30])  # 23 blocks
@pytest.mark.parametrize("epochs", [0, 1, 3])
@pytest.mark.parametrize("batch_size", SIZES)
def test_workers_read_every_row_once_an_epoch(stored, shuffle, num_workers, epochs, batch_size):
    seen = Counter()
    for worker in range(num_workers):
        reading = Reading(
            batch_size=batch_size, shuffle=shuffle, worker=worker, num_workers=num_workers, epochs=epochs
        )
        batches = stored.batches(reading)
        got = list(batches)
        assert len(got) == batches.total == batches.position
        assert all(0 < len(batch) <= batch_size for batch in got)
        seen.update(labels(got))
    assert seen == Counter(dict.fromkeys(range(ROWS), epochs) if epochs else {})


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", SIZES)
def test_a_resumed_reading_goes_on_alike(stored, shuffle, batch_size):
    def read(start):
        return stored.batches(
            Reading(batch_size=batch_size, shuffle=shuffle, epochs=2, start=start, seed=3, num_workers=2)
        )

    whole = [batch.labels.tolist() for batch in read(0)]
    for start in {0, 1, 2, len(whole) // 2, len(whole) - 1, len(whole), len(whole) + 9}:
        batches = read(start)
        assert batches.position == min(start, len(whole))
        assert [batch.labels.tolist() for batch in batches] == whole[start:]


def test_a_seed_decides_the_order(stored):
    def read(**more):
        return labels(stored.batches(Reading(**more)))

    assert read(seed=1) == read(seed=1)
    assert read(seed=1) != read(seed=2)
    assert read(shuffle=False) == list(range(ROWS))
    first, second = np.split(np.array(read(seed=1, epochs=2)), 2)
    assert first.tolist() != second.tolist()


def test_rows_of_different_blocks_are_mixed(stored):
    first = labels(stored.batches(Reading(batch_size=20)))[:20]
    assert len({int(label) // 10 for label in first}) > 2


def test_rows_stay_whole(stored):
    """Whatever is mixed, cut and joined: ids, numbers and label of a row stay together."""
    for batch in stored.batches(Reading(batch_size=7, seed=5)):
        rows = batch.labels.astype(np.int64)
        assert batch.sparse["row"].fids.tolist() == [make_fid(1, row) for row in rows.tolist()]
        assert batch.sparse["tags"].lengths.tolist() == (rows % 3).tolist()
        tags = np.split(batch.sparse["tags"].fids, batch.sparse["tags"].row_splits[1:-1])
        assert all(held.tolist() == [make_fid(2, i) for i in range(len(held))] for held in tags)
        assert batch.dense["size"].tolist() == [[row / 2] for row in rows.tolist()]


def test_a_skipped_window_is_not_read(dataset, monkeypatch):
    whole = list(dataset.batches(Reading(batch_size=40)))
    path = next((dataset.folder / "train").glob("part-00000*"))
    damaged = bytearray(path.read_bytes())
    damaged[20] ^= 1
    path.write_bytes(damaged)
    at = next(i for i, batch in enumerate(whole) if min(batch.labels) < 10)
    rest = dataset.batches(Reading(batch_size=40, start=at + 1))
    assert len(list(rest)) == len(whole) - at - 1
    with pytest.raises(RecordCorrupt, match="payload has checksum") as caught:
        list(dataset.batches(Reading(batch_size=40)))
    assert "make it again" in caught.value.__notes__[0]
    assert (caught.value.path, caught.value.offset) == (str(path), 0)


def test_a_file_that_goes_away_is_named(dataset):
    _remove(dataset.folder)
    with pytest.raises(DataError, match=r"part-.*: cannot be read \(No such file"):
        list(dataset.batches(Reading()))


def test_closing_ends_a_reading(stored):
    batches = stored.batches(Reading(batch_size=10))
    next(batches)
    batches.close()
    assert (list(batches), batches.position) == ([], 1)


@pytest.mark.parametrize(
    "wrong",
    [{"batch_size": 0}, {"worker": 2, "num_workers": 2}, {"worker": -1}, {"epochs": -1}, {"start": -1}],
)
def test_a_reading_that_cannot_be_is_refused(wrong):
    (name, value), *_ = wrong.items()
    with pytest.raises(ConfigError, match=f"{name}={value}: must be"):
        Reading(**wrong)


def test_an_unknown_split_is_refused(dataset):
    with pytest.raises(DataError, match=r"no split 'trian' \(splits: train, valid, test\)"):
        dataset.rows("trian")


def _shorten(folder):
    path = next((folder / "train").glob("part*"))
    path.write_bytes(path.read_bytes()[:-1])


def _remove(folder):
    next((folder / "train").glob("part*")).unlink()


def _spoil(folder):
    (folder / "train" / "index.json").write_text('{"parts": [{}]}')


def _drop_index(folder):
    (folder / "valid" / "index.json").unlink()


def _drop_schema(folder):
    (folder / SCHEMA_FILE).unlink()


def _spoil_schema(folder):
    (folder / SCHEMA_FILE).write_text("name = ")


DAMAGE = {
    "cut file": (_shorten, DataError, "bytes, the index says"),
    "lost file": (_remove, DataError, "the index names this file"),
    "spoilt index": (_spoil, DataError, "index cannot be read"),
    "lost index": (_drop_index, DataError, "no index of the files"),
    "lost schema": (_drop_schema, SchemaError, "no schema here"),
    "spoilt schema": (_spoil_schema, SchemaError, "schema cannot be read"),
}


@pytest.mark.parametrize(("damage", "error", "said"), DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_told_on_opening(dataset, damage, error, said):
    damage(dataset.folder)
    with pytest.raises(error, match=said) as caught:
        Dataset.open(dataset.folder)
    assert caught.value.path.startswith(str(dataset.folder))
