"""What a step does to the rows of a table, and what training reads of them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from monolith.table import compressors, layout
from monolith.table.compiling import given
from monolith.table.config import FixedR8, OneBit
from monolith.table.drawing import seed_of
from monolith.table.kernels import writing
from monolith.table.optimizer_config import compensation
from monolith.table.optimizers import WORDS, Plan, compensated

if TYPE_CHECKING:
    from monolith.core.arrays import Indices, Rows
    from monolith.table.compiling import Formula
    from monolith.table.config import TableConfig
    from monolith.table.rows import Times
    from monolith.table.steps import Step
    from monolith.table.store import Store
    from monolith.table.updating import Work


def writes(formula: Formula, config: TableConfig) -> Work:
    """`formula` on all the values of a row, without regard to segments."""
    calls = np.array([(formula.address, 0, config.dim, config.dim)], np.int64)
    return calls, np.zeros((1, WORDS)), (np.uint64(0), np.uint64(0))


class Learner:
    """How the rows of a table of `config` learn, and read, and are written to."""

    def __init__(self, config: TableConfig, seed: int) -> None:
        self._segments = tuple(layout.places(config))
        self._seed = seed_of(seed)
        self._plan = Plan(self._segments)
        self._rounded = [s for s in self._segments if isinstance(s[0].compressor, FixedR8 | OneBit)]
        self._reaching = threading.Lock()
        self.latest_step = 0
        self._compensating = [(dc, p) for s, p in self._segments if (dc := compensation(s.optimizer))]
        self.assign, self.add = (writes(formula, config) for formula in (writing.assign, writing.add))

    def learn(self, store: Store, step: Step, times: Times) -> Indices:
        """Let those rows learn that are there; positions of the fids that have none."""
        with self._reaching:
            self.latest_step = max(self.latest_step, step.step)
        told = self._plan.told(step.learning_rates, step.step)
        work = (self._plan.calls, told, (self._seed, np.uint64(step.step)))
        return store.update(work, step.fids, self._gradients(store, step), times)

    def as_read(self, rows: Rows) -> None:
        """Turn values (n, dim), in place, into what training reads of them."""
        for segment, (first, _, dim) in self._rounded:
            compressors.as_read(segment.compressor, rows, int(first), int(first + dim), self.latest_step)

    def _gradients(self, store: Store, step: Step) -> Rows:
        """Those of what is kept, from those of what was read; of equal fids all see the same row."""
        latest, compensating = step.latest, self._compensating if step.latest is not None else []
        if not (self._rounded or compensating):
            return step.grads
        grads, values = step.grads.copy(), np.empty_like(step.grads)
        store.read(step.fids, values)
        for segment, (first, _, dim) in self._rounded:
            mine = np.s_[:, int(first) : int(first + dim)]
            compressors.backward(segment.compressor, values[mine], grads[mine], self.latest_step)
        for dc, (first, _, dim) in compensating:
            mine = np.s_[:, int(first) : int(first + dim)]
            assert latest is not None
            grads[mine] = compensated(dc, values[mine], grads[mine], latest[mine])
        return given(grads)
