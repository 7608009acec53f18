"""Small counts in small cells, found by hash: a cell holds a count of 0..15 below a signature of its fid.

A fid is looked for in `steps` neighbouring cells, from where its hash points. Two fids whose hashes point
nearby and whose signatures are equal share a cell: the price of two bytes a fid, or one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids
from monolith.table.compiling import kernel, mix, subroutine

Counts = NDArray[np.int64]
MOST = 15  # that a cell counts to
COUNT_BITS = 4

NOWHERE = -1  # the fid has no cell, and there is none for it


@subroutine
def signature(fid: Any, bits: int) -> Any:
    """The highest `bits` bits of a fid's hash, which say next to nothing of where it begins to look.

    Upstream takes those of the fid from the 17th on. Here an integer is its own id, and small ones have
    nothing there: all of them would be taken for each other.
    """
    return mix(fid) >> np.uint64(64 - bits)


@subroutine
def first_cell(fid: Any, cells: int, steps: int) -> Any:
    """Where to begin to look: so that `steps` cells follow."""
    return np.int64(mix(fid) % np.uint64(cells - steps))


@subroutine
def cell_of(cells: Any, begin: int, sign: Any, steps: int) -> int:
    """The cell of a signature, the free cell that it would take, or NOWHERE."""
    for at in range(begin, begin + steps):
        if cells[at] == 0 or np.uint64(cells[at]) >> np.uint64(COUNT_BITS) == sign:
            return at
    return NOWHERE


@subroutine
def count_in(cell: Any) -> Any:
    return np.int64(np.uint64(cell) & np.uint64(MOST))


@subroutine
def filled(sign: Any, count: int) -> Any:
    """What a cell holds."""
    return sign << np.uint64(COUNT_BITS) | np.uint64(min(count, MOST))


@kernel
def add(cells: Any, fids: Fids, counts: Counts, steps: int, bits: int, before: Counts) -> tuple[int, int]:
    """Add `counts` (n,), each at least 1, to those of `fids` (n,); what they were goes to `before` (n,).

    Returns how many cells were taken, and how many fids found none: their count is then MOST.
    """
    taken = failures = 0
    for i in range(len(fids)):
        sign = signature(fids[i], bits)
        at = cell_of(cells, first_cell(fids[i], len(cells), steps), sign, steps)
        if at == NOWHERE:
            failures += 1
            before[i] = MOST
            continue
        taken += cells[at] == 0
        before[i] = count_in(cells[at])
        cells[at] = filled(sign, before[i] + counts[i])
    return taken, failures


@kernel
def get(cells: Any, fids: Fids, steps: int, bits: int, counts: Counts) -> None:
    """The counts of `fids` (n,)."""
    for i in range(len(fids)):
        at = cell_of(cells, first_cell(fids[i], len(cells), steps), signature(fids[i], bits), steps)
        counts[i] = MOST if at == NOWHERE else count_in(cells[at])


@kernel
def absorb(into: Any, cells: Any, steps: int, room: int) -> int:
    """Put `cells`, of a table as large as `into`, where they will be found there; returns how many it took.

    A fid's cell stands between where its hash points and the first free one. That stays true if each moves
    no further than to the next free one, and if no such run is torn apart when `room` cells are taken.
    """
    taken = 0
    for i in range(len(cells)):
        if cells[i] == 0:
            if taken >= room:
                break
            continue
        sign = np.uint64(cells[i]) >> np.uint64(COUNT_BITS)
        at = cell_of(into, i, sign, min(steps, len(into) - i))
        if at != NOWHERE:
            taken += into[at] == 0
            into[at] = filled(sign, max(count_in(into[at]), count_in(cells[i])))
    return taken


@kernel
def slide(
    splits: Any,
    elements: Counts,
    fids: Fids,
    counts: Counts,
    shape: tuple[int, int, int, int],
    before: Counts,
) -> tuple[int, int, int]:
    """As `add`, in the newest of several `splits` (s, cells); an older one's count is taken along.

    `elements` (s,) counts the cells taken in each; `shape` is (head, fids a split, steps, bits). A split
    that is full makes the next one the newest, and the one after that, the oldest, is emptied. Where the
    newest has no cell for a fid, the next one has: nearly all of its cells are still free.

    Returns the new head, how often it moved, and how many fids found no cell.
    """
    head, room, steps, bits = shape
    number = len(splits)
    moves = failures = 0
    for i in range(len(fids)):
        sign = signature(fids[i], bits)
        begin = first_cell(fids[i], splits.shape[1], steps)
        split, mine = _place(splits, head, begin, sign, steps)
        if mine == NOWHERE:
            failures += 1
            before[i] = MOST
            continue
        free = splits[split, mine] == 0
        before[i] = _older(splits, head, begin, sign, steps) if free else count_in(splits[split, mine])
        elements[split] += free
        splits[split, mine] = filled(sign, before[i] + counts[i])
        if elements[head] >= room - 1:
            head = (head + 1) % number
            moves += 1
            oldest = (head + 1) % number
            splits[oldest] = 0
            elements[oldest] = 0
    return head, moves, failures


@subroutine
def _place(splits: Any, head: int, begin: int, sign: Any, steps: int) -> Any:
    """The cell of a signature in the newest split, or if it has none there, in the next: split and cell."""
    at = cell_of(splits[head], begin, sign, steps)
    if at != NOWHERE:
        return head, at
    after = (head + 1) % len(splits)
    return after, cell_of(splits[after], begin, sign, steps)


@subroutine
def _older(splits: Any, head: int, begin: int, sign: Any, steps: int) -> Any:
    """The count in the newest of the other splits that has one."""
    for back in range(1, len(splits)):
        split = splits[(head - back) % len(splits)]
        at = cell_of(split, begin, sign, steps)
        if at != NOWHERE and split[at] != 0:
            return count_in(split[at])
    return 0


@kernel
def newest(splits: Any, head: int, fids: Fids, steps: int, bits: int, counts: Counts) -> None:
    """The counts of `fids` (n,) in the newest splits that have them."""
    for i in range(len(fids)):
        sign = signature(fids[i], bits)
        begin = first_cell(fids[i], splits.shape[1], steps)
        split, at = _place(splits, head, begin, sign, steps)
        known = at != NOWHERE and splits[split, at] != 0
        counts[i] = count_in(splits[split, at]) if known else _older(splits, head, begin, sign, steps)
