"""The kernels of the index: open addressing with linear probing, in many sub-tables.

A cell is a fid and a word with its row's number plus one, so that zeroed memory is empty and every int64 is
a fid; `rowlock.py` explains the word's other bits. The top bits of a fid's hash choose its sub-table, the
low bits its home there: the first cell of a cache line, for a line is looked at in one go. The hash is one to
one, so no two fids are ever taken for each other. Removing closes the gap behind it, so there are no
tombstones to sweep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from monolith.core.fids import MAX_SLOT, VALUE_BITS
from monolith.table.compiling import kernel, mix, subroutine
from monolith.table.memory import AHEAD, PAIRS, match, prefetch
from monolith.table.rowlock import number_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monolith.core.arrays import Fids, Indices

    Cells: TypeAlias = NDArray[np.int64]  # (capacity, 2)
    Unsigned: TypeAlias = NDArray[np.uint64]
    # All cells; and for each sub-table where its cells begin, their number less one, how many
    # are taken, and with how many taken it must grow before it takes another. A plain tuple, as numba keeps
    # the types of arguments on disk, where those of later versions may no longer know a class.
    Subtables: TypeAlias = tuple[Cells, Unsigned, Unsigned, Indices, Indices]

SUBTABLE_BITS = 9
BLOCK = 64  # fids whose memory is asked for before any of it is looked at
_SHIFT = 64 - SUBTABLE_BITS
_IN_LINE = PAIRS - 1  # the bits of a cell's number that tell where in its line it is


@subroutine
def _subtable(fid: int) -> Any:
    """Which sub-table `fid` belongs to."""
    return mix(fid) >> np.uint64(_SHIFT)


@subroutine
def _home(first: Unsigned, mask: Unsigned, fid: int) -> Any:
    """The cell where `fid` would be if no other were in its way: the first of a line."""
    h = mix(fid)
    t = h >> np.uint64(_SHIFT)
    return first[t] + (h & mask[t] & ~np.uint64(_IN_LINE))


@subroutine
def _after(first: Unsigned, mask: Unsigned, t: Any, place: Any, cells: int) -> Any:
    """So many cells after `place` in sub-table `t`: after its last comes its first."""
    return first[t] + ((place - first[t] + np.uint64(cells)) & mask[t])


@subroutine
def onward(tables: Subtables, place: Any, fid: int) -> Any:
    """The cell of `fid`, or the empty one where it would go, from the line that begins at `place` on."""
    cells, first, mask, _, _ = tables
    at = match(cells, place, fid)
    while at == np.uint64(PAIRS):
        place = _after(first, mask, _subtable(fid), place, PAIRS)
        at = match(cells, place, fid)
    return place + at


@subroutine
def _locate(tables: Subtables, fid: int) -> Any:
    """The cell of `fid`, or the empty one where it would go."""
    return onward(tables, _home(tables[1], tables[2], fid), fid)


@subroutine
def _fetch_ahead(tables: Subtables, fids: Fids, i: int) -> None:
    """Prefetch the home of the fid that is `AHEAD` turns away, in turn i of a loop."""
    cells, first, mask, _, _ = tables
    prefetch(cells, _home(first, mask, fids[min(i + AHEAD, len(fids) - 1)]), 0)


@subroutine
def ask(tables: Subtables, fids: Fids, begin: int, places: Unsigned) -> Any:
    """Write the homes of the fids from `begin` on into `places`, and ask for their memory.

    As many as there are places, or fids; returns how many. `onward` from there is where each fid is.
    """
    cells, first, mask, _, _ = tables
    count = min(len(places), len(fids) - begin)
    for i in range(count):
        places[i] = _home(first, mask, fids[begin + i])
        prefetch(cells, places[i], 0)
    return count


@kernel
def find(tables: Subtables, fids: Fids, numbers: Indices) -> None:
    """Write each fid's row number into `numbers`, -1 where it has none."""
    cells, places = tables[0], np.empty(BLOCK, np.uint64)
    for begin in range(0, len(fids), BLOCK):
        for i in range(ask(tables, fids, begin, places)):
            place = onward(tables, places[i], fids[begin + i])
            numbers[begin + i] = number_of(cells[place, 1])


@kernel
def insert(tables: Subtables, fids: Fids, new: Indices, created: Indices) -> tuple[int, int, np.int64]:
    """Give those of `fids` that have no row one of the numbers in `new`, in order.

    Writes the positions of fids that got a row into `created`. Stops before a fid whose sub-table is full.
    Returns how many fids were looked at, how many numbers were used, and the full sub-table or -1.
    """
    cells, _, _, used, limit = tables
    taken = 0
    for i in range(len(fids)):
        _fetch_ahead(tables, fids, i)
        place, t = _locate(tables, fids[i]), _subtable(fids[i])
        if cells[place, 1] == 0:
            if used[t] == limit[t]:
                return i, taken, np.int64(t)
            cells[place, 0], cells[place, 1] = fids[i], new[taken] + 1
            used[t] += 1
            created[taken] = i
            taken += 1
    return len(fids), taken, np.int64(-1)


@kernel
def renumber(tables: Subtables, fids: Fids, numbers: Indices) -> None:
    """Let `fids`, which have row numbers, have others."""
    cells = tables[0]
    for i in range(len(fids)):
        _fetch_ahead(tables, fids, i)
        cells[_locate(tables, fids[i]), 1] = numbers[i] + 1


@kernel
def move_in(tables: Subtables, moved: Cells) -> None:
    """Put the fids of the cells `moved` (m, 2), which are in no sub-table, where they now belong."""
    cells = tables[0]
    for i in range(len(moved)):
        if moved[i, 1] != 0:
            place = _locate(tables, moved[i, 0])
            cells[place, 0], cells[place, 1] = moved[i, 0], moved[i, 1]


@kernel
def remove(tables: Subtables, fids: Fids, freed: Indices) -> int:
    """Forget `fids`; writes the row numbers that became free into `freed`, returns how many."""
    cells, _, _, used, _ = tables
    count = 0
    for i in range(len(fids)):
        _fetch_ahead(tables, fids, i)
        place, t = _locate(tables, fids[i]), _subtable(fids[i])
        if cells[place, 1] != 0:
            freed[count] = number_of(cells[place, 1])
            count += 1
            used[t] -= 1
            _close_gap(tables, place, t)
    return count


@subroutine
def _close_gap(tables: Subtables, gap: Any, t: Any) -> None:
    """Move later fids of the run into `gap` where that is no further from home (Knuth 6.4, algorithm R)."""
    cells, first, mask, _, _ = tables
    place = _after(first, mask, t, gap, 1)
    while cells[place, 1] != 0:
        from_home = (place - _home(first, mask, cells[place, 0])) & mask[t]
        if from_home >= ((place - gap) & mask[t]):
            cells[gap, 0], cells[gap, 1] = cells[place, 0], cells[place, 1]
            gap = place
        place = _after(first, mask, t, place, 1)
    cells[gap, 1] = 0


@kernel
def within(tables: Subtables, start: int, stop: int, fids: Fids, numbers: Indices) -> None:
    """List the fids of sub-tables `start` to `stop`, around and around, and their row numbers."""
    cells, first, mask, _, _ = tables
    count = 0
    for turn in range(start, stop):
        t = turn % len(first)
        for place in range(first[t], first[t] + mask[t] + np.uint64(1)):
            if cells[place, 1] != 0:
                fids[count], numbers[count] = cells[place, 0], number_of(cells[place, 1])
                count += 1


@kernel
def survey(tables: Subtables, t: int, rows_by_slot: Indices) -> tuple[int, int]:
    """Count the fids of sub-table `t` by slot; how many lines are looked at to find each, and at most."""
    cells, first, mask, _, _ = tables
    total: Any = 0
    longest: Any = 0
    for place in range(first[t], first[t] + mask[t] + np.uint64(1)):
        if cells[place, 1] != 0:
            fid = cells[place, 0]
            looked_at = np.int64((place - _home(first, mask, fid)) & mask[t]) // PAIRS + 1
            total += looked_at
            longest = max(longest, looked_at)
            rows_by_slot[(np.uint64(fid) >> np.uint64(VALUE_BITS)) & np.uint64(MAX_SLOT)] += 1
    return total, longest
