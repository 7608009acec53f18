"""Rows, times and filters, to files and back."""

import attrs
import numpy as np
import pytest

from monolith.core.errors import CheckpointMismatch, MonolithError
from monolith.core.fids import make_fid
from monolith.ps.api import RestoreOrder, SaveOrder
from monolith.ps.snapshot import restore, save
from monolith.ps.tables import Tables
from monolith.table.config import (
    FilterConfig,
    FilterType,
    Segment,
    SlotExpireTimeConfig,
    SlotOccurrenceThresholdConfig,
    TableConfig,
)
from monolith.table.retention import DAY_S

CONFIG = TableConfig(
    (Segment(2),),
    slot_occurrence_threshold_config=SlotOccurrenceThresholdConfig((), 2),
    slot_expire_time_config=SlotExpireTimeConfig((), 1),
    filter_config=FilterConfig(FilterType.SLIDING_HASH_FILTER, 300),
)


def tables_of(config=CONFIG):
    tables = Tables(0, seed=1)
    tables.create({"t": config})
    return tables


def learned(config=CONFIG):
    """Fids 1 and 2 have occurred once, 3 and 4 thrice; 4 was last updated a day before 3."""
    tables = tables_of(config)
    table, grads = tables.get("t"), np.ones((4, 2))
    table.apply([1, 2, 3, 4], grads, counts=[1, 1, 2, 2])
    table.apply([3, 4], grads[:2], times=[5 * DAY_S, 4 * DAY_S])
    return tables


def saved(tables, folder, shard=0, shards=1):
    return save(tables, SaveOrder(folder, shard, shards))


@pytest.mark.parametrize("kind", list(FilterType))
def test_rows_times_and_counts_come_back(tmp_path, kind):
    config = attrs.evolve(CONFIG, filter_config=FilterConfig(kind, 300))
    before, after = learned(config), tables_of(config)
    restore(after, RestoreOrder(tmp_path, saved(before, tmp_path), 0, 1))
    for tables in (before, after):
        tables.get("t").apply([1, 2, 7], np.ones((3, 2)), counts=[2, 1, 1], step=9)
        tables.get("t").apply([1, 2, 7], np.ones((3, 2)), step=10)
    one, other = before.get("t").export(), after.get("t").export()
    for name in ("fids", "values", "slots", "times"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


COUNTING = [t for t in FilterType if t not in {FilterType.NO_FILTER, FilterType.PROBABILISTIC_FILTER}]


@pytest.mark.parametrize("kind", COUNTING)
@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (2, 3), (4, 2), (2, 4), (6, 4)])
def test_counts_survive_another_number_of_servers(tmp_path, kind, before, after):
    """Ids that have occurred 0..4 times before: those of at least two are let in, wherever they are now."""
    config = attrs.evolve(CONFIG, filter_config=FilterConfig(kind, 6_000))
    fids = np.sort(np.random.default_rng(5).integers(-(2**63), 2**63 - 1, 600))
    occurred, files = np.arange(600) % 5, []
    for shard in range(before):
        tables = tables_of(config)
        mine = (fids % before == shard) & (occurred > 0)
        tables.get("t").apply(fids[mine], np.ones((mine.sum(), 2)), counts=occurred[mine])
        files += saved(tables, tmp_path, shard, before)
    let_in = []
    for shard in range(after):
        tables = tables_of(config)
        assert restore(tables, RestoreOrder(tmp_path, files, shard, after)) == 0
        mine = fids[fids % after == shard]
        tables.get("t").apply(mine, np.ones((len(mine), 2)))
        let_in += tables.get("t").export().fids.tolist()
    assert sorted(let_in) == fids[occurred >= 2].tolist()


def test_what_has_expired_is_not_written(tmp_path):
    tables = learned()
    assert [(e.kind, e.count) for e in saved(tables, tmp_path)] == [("rows", 1), ("filter", 0)]
    assert tables.get("t").export().fids.tolist() == [3]


def test_the_same_state_gives_the_same_bytes(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    assert saved(learned(), tmp_path / "one") == saved(learned(), tmp_path / "other")


def test_times_survive_another_number_of_servers(tmp_path):
    files = saved(learned(attrs.evolve(CONFIG, slot_expire_time_config=SlotExpireTimeConfig())), tmp_path)
    tables = tables_of()
    assert restore(tables, RestoreOrder(tmp_path, files, 1, 2)) == 1
    rows = tables.get("t").export()
    assert (rows.fids.tolist(), rows.times.tolist()) == ([3], [5 * DAY_S])
    assert rows.told == 5 * DAY_S


def test_another_filter_is_refused(tmp_path):
    files = saved(learned(), tmp_path)
    config = attrs.evolve(CONFIG, filter_config=FilterConfig(FilterType.SLIDING_HASH_FILTER, 900))
    with pytest.raises(CheckpointMismatch, match=r"the filter of table t: .* that it was saved with"):
        restore(tables_of(config), RestoreOrder(tmp_path, files, 0, 1))


def test_tables_without_times_write_none(tmp_path):
    """As they did before there were times, so that older programs and files stay readable."""
    tables = tables_of(TableConfig((Segment(2),)))
    tables.get("t").apply([1], np.ones((1, 2)))
    (entry,) = saved(tables, tmp_path)
    assert b'"times"' not in (tmp_path / entry.name).read_bytes()
    restored = tables_of()
    restore(restored, RestoreOrder(tmp_path, [entry], 0, 1))
    assert restored.get("t").export().times is None


def _unreadable(folder, files):
    (path,) = [folder / entry.name for entry in files if (entry.table, entry.kind) == ("b", "filter")]
    path.write_bytes(b"?")
    return CONFIG


def _of_another_filter(_folder, _files):
    return attrs.evolve(CONFIG, filter_config=FilterConfig(FilterType.HASH_FILTER, 300))


def _of_another_length(_folder, _files):
    return attrs.evolve(CONFIG, segments=(Segment(3),))


def _lets_in(tables, name, fid):
    for _ in range(2):  # the first time it is counted
        tables.get(name).apply([fid], np.ones((1, 2)), counts=[9])


@pytest.mark.parametrize("spoil", [_unreadable, _of_another_filter, _of_another_length])
def test_all_tables_are_restored_or_none(tmp_path, spoil):
    """`a` comes before `b`, whose part of the checkpoint is bad."""
    written, running = Tables(0, seed=1), Tables(0, seed=1)
    written.create({"a": CONFIG, "b": CONFIG})
    for name in ("a", "b"):
        _lets_in(written, name, 1)
    files = saved(written, tmp_path)
    running.create({"a": CONFIG, "b": spoil(tmp_path, files)})
    _lets_in(running, "a", 7)
    with pytest.raises(MonolithError):
        restore(running, RestoreOrder(tmp_path, files, 0, 1))
    assert running.get("a").export().fids.tolist() == [7]


@pytest.mark.parametrize(("before", "after"), [(1, 1), (2, 2), (2, 3)])
def test_rows_of_some_slots_go_to_another_table(tmp_path, before, after):
    """Of slots 1, 2 and 3: one goes to a table of its own, the others stay."""
    fids = np.array([make_fid(slot, value) for slot in (1, 2, 3) for value in range(6)])
    files, found = [], {"own": set(), "t": set()}
    for shard in range(before):
        tables = tables_of(TableConfig((Segment(2),)))
        mine = fids[fids % before == shard]
        tables.get("t").apply(mine, np.ones((len(mine), 2)))
        files += saved(tables, tmp_path, shard, before)
    wanted = [attrs.evolve(f, slots=(1, 3)) for f in files] + [
        attrs.evolve(f, table="own", slots=(2,)) for f in files
    ]
    for shard in range(after):
        tables = tables_of(TableConfig((Segment(2),)))
        tables.create({"own": TableConfig((Segment(2),))})
        restore(tables, RestoreOrder(tmp_path, wanted, shard, after))
        for name, table in tables.items():
            found[name] |= set(table.export().fids.tolist())
    assert found == {"own": set(fids[6:12].tolist()), "t": {*fids[:6].tolist(), *fids[12:].tolist()}}
