"""What a table says of itself, against counts made by hand."""

import numpy as np
import pytest

from monolith.core.fids import make_fid
from monolith.table.config import Segment, TableConfig
from monolith.table.stats import EVERY, Tally, Usage
from monolith.table.table import Table
from tests.unit.table.reference import unmix


@pytest.fixture
def table():
    return Table(TableConfig((Segment(4),)))


def test_an_empty_table(table):
    told = table.stats()
    assert (told.usage, told.load, told.probe_mean, told.probe_max, told.slots) == (Usage(), 0, 0, 0, {})
    assert told.usage.hit_rate == 0


def test_rows_and_evictions_by_slot(table):
    fids = np.concatenate([make_fid(3, np.arange(5)), make_fid(7, np.arange(2)), [-1]])
    table.find_or_insert(fids)
    table.evict(np.append(fids[:2], [fids[0], 99]))
    told = table.stats()
    assert {slot: (u.rows, u.evicted) for slot, u in told.slots.items()} == {
        3: (3, 2),
        7: (2, 0),
        32767: (1, 0),
    }
    assert (told.usage.rows, told.usage.evicted, told.row_bytes) == (6, 2, 32)


@pytest.mark.parametrize(("limits", "most"), [({}, 0), ({"max_rows": 7}, 7)])
def test_budgets_are_told(limits, most):
    assert Table(TableConfig((Segment(4),), **limits)).stats().most_rows == most


def test_every_eighth_id_counts_for_its_slot():
    """Whatever the calls it comes in."""
    fids, found = make_fid(5, np.arange(40)), np.arange(40) % (2 * EVERY) == 0
    tally = Tally()
    for start, stop in ((0, 3), (3, 3), (3, 17), (17, 40)):
        part = found[start:stop]
        tally.looked_up(fids[start:stop], part, int(part.sum()))
    usage, slots = tally.usage(np.zeros(1 << 15, np.int64))
    assert (usage, slots) == (Usage(0, 40, 3, 0), {5: Usage(0, 5, 3, 0)})


def test_hits_are_rows_that_were_there(table):
    table.find_or_insert([1, 2])
    table.find([1, 2, 3])
    table.find_or_insert([1, 4, 4])
    usage = table.stats().usage
    assert (usage.asked, usage.hits, usage.hit_rate) == (8, 3, 3 / 8)


def test_probes_count_lines_looked_at(table):
    """Six fids whose home is one line of four cells: two of them are in the next line."""
    table.find_or_insert([unmix((9 << 56) + (k << 40) + k % 4) for k in range(4)])
    assert (table.stats().probe_mean, table.stats().probe_max) == (1, 1)
    table.find_or_insert([unmix((9 << 56) + (k << 40)) for k in range(4, 6)])
    told = table.stats()
    assert (told.probe_mean, told.probe_max, told.load) == (8 / 6, 2, 6 / 4104)
