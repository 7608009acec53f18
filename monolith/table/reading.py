"""The kernel that looks rows up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from monolith.table.compiling import kernel, subroutine
from monolith.table.memory import copy, fetch
from monolith.table.probing import BLOCK, ask, onward
from monolith.table.rowlock import is_still, number_of, settled

if TYPE_CHECKING:
    from monolith.core.arrays import Fids, Indices, Rows
    from monolith.table.probing import Cells, Subtables


@kernel
def read(
    tables: Subtables, rows: Rows, fids: Fids, start: np.uint64, out: Rows, missing: Indices
) -> np.int64:
    """out[i] = columns of the row of `fids[i]` from `start` on, as many as `out` has; zeros if it has none.

    Writes the positions of fids without a row into `missing`, in order; returns how many those are.
    In blocks, asking for all homes before looking into any, and for all rows before reading any: 1.3 x as
    fast as asking some turns ahead.
    """
    cells, stop = tables[0], start + np.uint64(out.shape[1])
    places = np.empty(BLOCK, np.uint64)
    count = np.int64(0)
    for begin in range(0, len(fids), BLOCK):
        asked = ask(tables, fids, begin, places)
        for i in range(asked):
            places[i] = onward(tables, places[i], fids[begin + i])
            if cells[places[i], 1] != 0:
                fetch(rows, number_of(cells[places[i], 1]), start, stop)
        for i in range(asked):
            if cells[places[i], 1] != 0:
                _read_whole((cells, places[i]), rows, start, out, begin + i)
            else:
                out[begin + i] = 0
                missing[count] = begin + i
                count += 1
    return count


@subroutine
def _read_whole(cell: tuple[Cells, Any], rows: Rows, start: Any, out: Rows, i: int) -> None:
    cells, place = cell
    whole = False
    while not whole:
        word = settled(cells, place)
        copy(out, i, rows, number_of(word), start)
        whole = is_still(cells, place, word)
