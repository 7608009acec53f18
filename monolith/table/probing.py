"""The kernels of the index: open addressing with linear probing, in many sub-tables.

A slot is (fid, row number + 1), so that zeroed memory is empty and every int64 is a fid. The top bits of a
fid's hash choose its sub-table, the low bits its home there; the hash is one to one, so no two fids are ever
taken for each other. Removing closes the gap behind it, so there are no tombstones to sweep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from monolith.table.compiling import AHEAD, kernel, mix, prefetch, subroutine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monolith.core.arrays import Fids

    Unsigned = NDArray[np.uint64]
    Numbers = NDArray[np.int64]

SUBTABLE_BITS = 8
_SHIFT = 64 - SUBTABLE_BITS


class Slots(NamedTuple):
    """The slots of all sub-tables, and where each sub-table's lie: `mask + 1` slots from `first`."""

    cells: NDArray[np.int64]  # (capacity, 2)
    first: Unsigned  # (sub-tables,)
    mask: Unsigned
    used: Numbers
    limit: Numbers  # a sub-table with this many fids has to grow before it takes another


@subroutine
def _subtable(fid: int) -> Any:
    """Which sub-table `fid` belongs to."""
    return mix(fid) >> np.uint64(_SHIFT)


@subroutine
def _home(slots: Slots, fid: int) -> Any:
    h = mix(fid)
    t = h >> np.uint64(_SHIFT)
    return slots.first[t] + (h & slots.mask[t])


@subroutine
def _onward(slots: Slots, place: Any, fid: int) -> Any:
    """The slot of `fid`, or the empty one where it would go, from `place` on."""
    t = _subtable(fid)
    first, mask = slots.first[t], slots.mask[t]
    while slots.cells[place, 1] != 0 and slots.cells[place, 0] != fid:
        place = first + ((place - first + np.uint64(1)) & mask)
    return place


@subroutine
def _fetch_ahead(slots: Slots, fids: Fids, i: int) -> None:
    """Prefetch the home of the fid that is `AHEAD` turns away, in turn i of a loop."""
    prefetch(slots.cells, _home(slots, fids[min(i + AHEAD, len(fids) - 1)]), 0)


@kernel
def find(slots: Slots, fids: Fids, numbers: Numbers) -> None:
    """Write each fid's row number into `numbers`, -1 where it has none."""
    for i in range(len(fids)):
        _fetch_ahead(slots, fids, i)
        place = _onward(slots, _home(slots, fids[i]), fids[i])
        numbers[i] = slots.cells[place, 1] - 1


@kernel
def insert(slots: Slots, fids: Fids, new: Numbers, created: Numbers) -> tuple[int, int, np.int64]:
    """Give those of `fids` that have no row one of the numbers in `new`, in order.

    Writes the positions of fids that got a row into `created`. Stops before a fid whose sub-table is full.
    Returns how many fids were looked at, how many numbers were used, and the full sub-table or -1.
    """
    taken = 0
    for i in range(len(fids)):
        _fetch_ahead(slots, fids, i)
        fid, t = fids[i], _subtable(fids[i])
        place = _onward(slots, _home(slots, fid), fid)
        if slots.cells[place, 1] == 0:
            if slots.used[t] == slots.limit[t]:
                return i, taken, np.int64(t)
            slots.cells[place, 0] = fid
            slots.cells[place, 1] = new[taken] + 1
            slots.used[t] += 1
            created[taken] = i
            taken += 1
    return len(fids), taken, np.int64(-1)


@kernel
def move_in(slots: Slots, cells: NDArray[np.int64]) -> None:
    """Put the fids of `cells` (m, 2), which the slots do not hold, where they now belong."""
    for i in range(len(cells)):
        if cells[i, 1] != 0:
            place = _onward(slots, _home(slots, cells[i, 0]), cells[i, 0])
            slots.cells[place, 0] = cells[i, 0]
            slots.cells[place, 1] = cells[i, 1]


@kernel
def remove(slots: Slots, fids: Fids, freed: Numbers) -> int:
    """Forget `fids`; writes the row numbers that became free into `freed`, returns how many."""
    count = 0
    for i in range(len(fids)):
        _fetch_ahead(slots, fids, i)
        place = _onward(slots, _home(slots, fids[i]), fids[i])
        if slots.cells[place, 1] != 0:
            freed[count] = slots.cells[place, 1] - 1
            count += 1
            slots.used[_subtable(fids[i])] -= 1
            _close_gap(slots, place, _subtable(fids[i]))
    return count


@subroutine
def _close_gap(slots: Slots, gap: Any, t: Any) -> None:
    """Move later fids of the run into `gap` where that is no further from home (Knuth 6.4, algorithm R)."""
    first, mask = slots.first[t], slots.mask[t]
    place = gap
    while True:
        place = first + ((place - first + np.uint64(1)) & mask)
        if slots.cells[place, 1] == 0:
            break
        from_home = (place - _home(slots, slots.cells[place, 0])) & mask
        if from_home >= ((place - gap) & mask):
            slots.cells[gap, 0] = slots.cells[place, 0]
            slots.cells[gap, 1] = slots.cells[place, 1]
            gap = place
    slots.cells[gap, 1] = 0
