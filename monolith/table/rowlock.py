"""A row is read whole or not at all, and changed by one thread at a time: the lock is in its cell.

A cell's second word holds, from its low bits up, the row's number plus one (40 bits), how often the row was
changed (23 bits, around and around), and whether somebody is changing it (the sign). A reader who finds the
word as it was before has read nothing half written (a sequence lock: Lameter 2005); it need not write
anything, so that readers never wait for each other. The cell is in the cache: its fid was just compared.

Where a cell is, and which row is whose, must stand still meanwhile: `sharing.py` sees to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from monolith.table.compiling import subroutine
from monolith.table.memory import after_reading, let_others_run, load, replace, store

if TYPE_CHECKING:
    from monolith.table.probing import Cells

NUMBER = np.int64((1 << 40) - 1)
CHANGE = np.int64(1 << 40)
CHANGING = np.int64(-(1 << 63))
NOT_CHANGING = np.uint64((1 << 63) - 1)
PATIENCE = 1000  # looks at a row that is being changed, before others may run: whoever changes it may not be


@subroutine
def number_of(word: Any) -> Any:
    """The row's number, -1 in an empty cell."""
    return (word & NUMBER) - np.int64(1)


@subroutine
def settled(cells: Cells, place: Any) -> Any:
    """The word of a cell once nobody is changing its row."""
    word, looks = load(cells, place, 1), 0
    while word < 0:
        looks += 1
        if looks % PATIENCE == 0:
            let_others_run()
        word = load(cells, place, 1)
    return word


@subroutine
def is_still(cells: Cells, place: Any, word: Any) -> Any:
    """Whether nobody has changed the row since `settled` gave `word`."""
    after_reading()
    return load(cells, place, 1) == word


@subroutine
def take(cells: Cells, places: Any, begin: Any, end: Any, words: Any) -> Any:
    """Make the rows of the cells `places[begin:end]` one's own to change, up to one that is not free.

    Writes into `words` what to `give_back`, 0 for a cell without a row; returns how far it came. It waits for
    the first only, with none in hand: nobody waits in a circle, nor for a row that comes twice.
    """
    for i in range(begin, end):
        words[i] = load(cells, places[i], 1)
        while words[i] != 0 and not _seized(cells, places[i], words[i]):
            if i != begin:
                return i
            words[i] = settled(cells, places[i])
    return end


@subroutine
def _seized(cells: Cells, place: Any, word: Any) -> Any:
    """Whether the row, whose word was just `word`, is now one's own."""
    return word > 0 and replace(cells, place, 1, word, word | CHANGING)


@subroutine
def give_back(cells: Cells, place: Any, word: Any) -> None:
    """The row is changed. Unsigned, for of signed numbers numba assumes that they never wrap around."""
    changed = (np.uint64(word) + np.uint64(CHANGE)) & NOT_CHANGING
    store(cells, place, 1, np.int64(changed))
