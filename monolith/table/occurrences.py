"""How often ids occurred, and when: judged before anything changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import LAST_SECOND, whole_numbers
from monolith.core.errors import ConfigError, DimensionMismatch
from monolith.table.compiling import given

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from monolith.core.arrays import Fids
    from monolith.table.rows import Counts, Times


def counts_of(counts: ArrayLike | None, fids: Fids, of: str) -> Counts | None:
    """`counts` as filters take them. `of` names the table in errors.

    Raises:
        DimensionMismatch: there is not one for each of `fids` (n,).
        ConfigError: one is below 1, or no whole number.
    """
    if counts is None:
        return None
    held = given(whole_numbers(counts, f"counts of {of}").reshape(-1))
    _one_each(held, fids, f"counts of {of}")
    _refuse(held < 1, fids, held, f"count {{}} of fid {{}} in {of}: must be >= 1")
    return held


def times_of(times: ArrayLike | None, fids: Fids, of: str) -> Times | None:
    """`times` as tables keep them; None if there are none, which is what 0 for all means.

    Raises:
        DimensionMismatch: there is neither one for all of `fids` (n,), nor one for each.
        ConfigError: one is before 1970 or after 2106, or no whole number.
    """
    if times is None:
        return None
    held = whole_numbers(times, f"times of {of}").reshape(-1)
    if np.ndim(times) == 0:
        held = held.repeat(len(fids) if held[0] else 0)
        if not len(held):
            return None
    _one_each(held, fids, f"times of {of}")
    said = f"time {{}} of fid {{}} in {of}: must be 0..{LAST_SECOND}, in seconds since 1970"
    _refuse((held < 0) | (held > LAST_SECOND), fids, held, said)
    return given(held.astype(np.uint32))


def _one_each(held: NDArray[np.int64], fids: Fids, what: str) -> None:
    if len(held) != len(fids):
        raise DimensionMismatch(len(fids), len(held), what=what)


def _refuse(bad: NDArray[np.bool_], fids: Fids, held: NDArray[np.int64], said: str) -> None:
    if bad.any():
        first = int(bad.argmax())
        raise ConfigError([said.format(held[first], fids[first])])
