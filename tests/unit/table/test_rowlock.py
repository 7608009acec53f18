"""The word in a cell: a row may change as often as it likes."""

import numpy as np

from monolith.table.config import Constants, Segment, Sgd, TableConfig
from monolith.table.rowlock import CHANGE, CHANGING, NUMBER
from monolith.table.table import Table

FID = np.array([5])


def test_the_count_of_changes_begins_anew():
    """After 2^23 changes the word says again that nobody changes the row, and whose it is."""
    table = Table(TableConfig((Segment(1, Constants(0), Sgd()),)))
    table.find_or_insert(FID)
    cells = table._store.index.subtables()[0]
    (place,) = np.flatnonzero(cells[: 1 << 16, 1])
    cells[place, 1] |= ~CHANGING & ~NUMBER  # as often as is counted
    for count in range(1, 4):
        table.assign_add(FID, np.ones((1, 1)))
        assert table.find(FID)[0] == count
    assert cells[place, 1] == 1 + 2 * CHANGE
