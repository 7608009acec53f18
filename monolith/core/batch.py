"""A batch is arrays: what the data room produces and a model consumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids, Floats, Splits


@dataclass(frozen=True, slots=True)
class Ragged:
    """The ids of one sparse feature for B rows: row i owns `fids[row_splits[i]:row_splits[i + 1]]`."""

    fids: Fids  # (n,)
    row_splits: Splits  # (B + 1,)

    def __len__(self) -> int:
        return len(self.row_splits) - 1

    @property
    def lengths(self) -> Splits:
        """How many ids each row has, (B,)."""
        return np.diff(self.row_splits)

    @staticmethod
    def empty(rows: int) -> Ragged:
        """No ids at all, for a feature that is missing from `rows` rows."""
        return Ragged(np.empty(0, np.int64), np.zeros(rows + 1, np.int64))


@dataclass(frozen=True, slots=True)
class Batch:
    """B examples, column by column."""

    sparse: Mapping[str, Ragged]
    dense: Mapping[str, Floats]  # name -> (B, width)
    labels: Floats  # (B,)
    weights: Floats  # (B,)
    times: NDArray[np.uint32] | None = None  # (B,), event times in seconds since 1970, or 0; None: not known
    sample_rates: Floats | None = None  # (B,), 0 < rate <= 1; None: no negatives were left out

    @property
    def known_times(self) -> NDArray[np.uint32]:
        """`times`, all 0 where there are none."""
        return np.zeros(len(self), np.uint32) if self.times is None else self.times

    @property
    def known_sample_rates(self) -> Floats:
        """Of each row, with which chance it would have been kept as a negative. A positive has one too."""
        return np.ones(len(self), np.float32) if self.sample_rates is None else self.sample_rates

    @property
    def standing_weights(self) -> Floats:
        """`weights`, a negative standing also for those like it that were left out: for honest figures."""
        if self.sample_rates is None:
            return self.weights
        return np.where(self.labels > 0, self.weights, self.weights / self.sample_rates)

    def __len__(self) -> int:
        return len(self.labels)
