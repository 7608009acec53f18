"""The embedding table: an id's own row, whatever the id, until it is evicted.

One lock a table: calls on one table take turns, calls on different tables run side by side, since the
kernels underneath release the interpreter lock. Arrays that a table gives out are the caller's own.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from monolith.config.bad_gradients import BadGradients
from monolith.core.arrays import Indices, as_fids, as_rows
from monolith.table import compressors, copying, initializers, layout, optimizers
from monolith.table.arena import Arena
from monolith.table.compiling import given
from monolith.table.config import FixedR8, OneBit
from monolith.table.index import SUBTABLES, Index, Survey
from monolith.table.rows import TableRows
from monolith.table.stats import TableReport, Tally, report
from monolith.table.steps import Step, judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monolith.core.arrays import Fids, Flags, Rows
    from monolith.table.config import TableConfig


class Table:
    """Rows of `dim` float32 values by int64 fid, each with its optimizers' state. Safe from many threads.

    No two fids share a row, and every int64 is a fid. How an unseen row starts is decided by
    (`seed`, fid, column) alone, never by who came first.

    >>> from monolith.table.config import Constants, Segment, Sgd, TableConfig
    >>> table = Table(TableConfig((Segment(2, Constants(1.0), Sgd(learning_rate=0.5)),)))
    >>> table.apply(np.array([7, -7]), np.array([[1, 0], [0, 2]]))  # two fids that were not there
    2
    >>> rows, found = table.find(np.array([-7, 7, 8]))
    >>> rows.tolist(), found.tolist()
    ([[1.0, 0.0], [0.5, 1.0], [0.0, 0.0]], [True, True, False])
    """

    def __init__(
        self, config: TableConfig, *, seed: int = 0, bad_gradients: BadGradients = BadGradients.REFUSE
    ) -> None:
        self.config = config
        self.dim = config.dim
        self.slot_dim = layout.slot_dim(config)
        self._seed = seed
        self._bad_gradients = bad_gradients
        self._unseen = layout.unseen_row(config)
        self._segments = tuple(layout.places(config))
        self._compressed = [s for s in self._segments if isinstance(s[0].compressor, FixedR8 | OneBit)]
        self._lock = threading.Lock()
        self._tally = Tally()
        self._step = 0  # the latest that the table learned in
        self._start_empty()
        self._compile()

    def _compile(self) -> None:
        """Compile what only some tables use, by doing it to no rows, so that no request waits for it."""
        nobody, nothing = np.empty(0, np.int64), np.empty((0, self.dim), np.float32)
        step = self.judge(Step(nobody, nothing, latest=nothing))
        self._initialise(nobody, step.fids)
        self._learn(nobody, step)
        self._as_read(nobody)

    def _start_empty(self) -> None:
        self._index = Index()
        self._arena = Arena(self.dim + self.slot_dim, np.float32)

    def __len__(self) -> int:
        with self._lock:
            return len(self._index)

    @property
    def memory_bytes(self) -> int:
        """Bytes of rows and index in use; rows of evicted fids count, for they are kept for others."""
        with self._lock:
            return self._index.end * self._row_bytes + self._index.memory_bytes

    @property
    def _row_bytes(self) -> int:
        return 4 * (self.dim + self.slot_dim)

    def find(self, fids: Fids) -> tuple[Rows, Flags]:
        """Read without inserting: rows (n, dim), zeros where unknown, and which are known (n,).

        Values of segments with a FixedR8 or OneBit compressor are what is served of them, not what is kept.
        """
        fids = given(as_fids(fids))
        with self._lock:
            numbers = self._index.find(fids)
            found = numbers >= 0
            self._tally.looked_up(fids, found)
            return self._as_read(numbers), found

    def find_or_insert(self, fids: Fids) -> tuple[Rows, Flags]:
        """As `find`, creating what is unknown: rows (n, dim), and which existed before the call (n,)."""
        fids = given(as_fids(fids))
        with self._lock:
            numbers, existed, _ = self._numbers_of(fids)
            self._tally.looked_up(fids, existed)
            return self._as_read(numbers), existed

    def assign(self, fids: Fids, rows: Rows) -> int:
        """Set the values of rows (n, dim); of a fid that occurs twice the last. Returns rows created.

        The optimizers' state of a row that existed stays as it is.

        Raises:
            DimensionMismatch: `rows` is not n * dim values.
        """
        fids = given(as_fids(fids))
        rows = given(as_rows(rows, len(fids), self.dim))
        with self._lock:
            numbers, _, created = self._numbers_of(fids)
            copying.scatter(self._arena.array, numbers, np.uint64(0), rows)
            self._skip_zeros(fids, numbers)
            return created

    def assign_add(self, fids: Fids, rows: Rows) -> int:
        """Add `rows` (n, dim) to the values, for a fid that occurs twice both. Returns rows created.

        Unknown fids are initialised first. The optimizers' state stays as it is.

        Raises:
            DimensionMismatch: `rows` is not n * dim values.
        """
        fids = given(as_fids(fids))
        rows = given(as_rows(rows, len(fids), self.dim))
        with self._lock:
            numbers, _, created = self._numbers_of(fids)
            copying.add(self._arena.array, numbers, rows)
            self._skip_zeros(fids, numbers)
            return created

    def reinitialize(self, fids: Fids) -> Flags:
        """Let rows be as they start, values and optimizers' state; which existed before the call (n,)."""
        fids = given(as_fids(fids))
        with self._lock:
            numbers, existed, _ = self._numbers_of(fids)
            self._initialise(numbers, fids)
            return existed

    def apply(
        self,
        fids: Fids,
        grads: Rows,
        learning_rates: Sequence[float] = (),
        step: int = 0,
        latest: Rows | None = None,
    ) -> int:
        """Take one optimizer `Step` for each of `fids` with `grads` (n, dim). Returns rows created.

        Unknown fids are initialised first. The latest step also decides how steep a OneBit compressor is.

        Raises:
            DimensionMismatch: `grads` or `latest` is not n * dim values, or the number of rates does not fit.
            ConfigError: a rate is negative or not finite, or the step is negative.
            GradientNotFinite: a gradient is NaN or infinite, and the table refuses those.
        """
        return self.take(self.judge(Step(fids, grads, learning_rates, step, latest)))

    def judge(self, asked: Step, *, of: str = "a table") -> Step:
        """What `take` takes, or what `apply` raises. `of` names the table in errors."""
        return judged(asked, self.config, self._bad_gradients, of=of)

    def take(self, step: Step) -> int:
        """Make a step that was judged. Returns rows created."""
        with self._lock:
            numbers, _, created = self._numbers_of(step.fids)
            self._step = max(self._step, step.step)
            self._learn(numbers, step)
            return created

    def evict(self, fids: Fids) -> int:
        """Forget these fids; returns how many were known. Their memory is used for fids to come."""
        fids = given(np.unique(as_fids(fids)))
        with self._lock:
            known = fids[self._index.find(fids) >= 0]
            self._tally.evicted(known)
            return self._index.remove(given(known))

    def export(self) -> TableRows:
        """Every row, sorted by fid: a copy, taken at one moment."""
        with self._lock:
            fids, numbers = self._index.entries()
            values = self._columns(numbers, 0, self.dim)
            return TableRows(fids, values, self._columns(numbers, self.dim, self.slot_dim))

    def restore(self, rows: TableRows) -> None:
        """Become exactly `rows`.

        Raises:
            DimensionMismatch: `rows` are not of this table's dim and slot_dim; the table is unchanged.
        """
        fids = given(as_fids(rows.fids))
        values = given(as_rows(rows.values, len(fids), self.dim))
        slots = given(as_rows(rows.slots, len(fids), self.slot_dim))
        with self._lock:
            self._start_empty()
            numbers, _, _ = self._numbers_of(fids)
            copying.scatter(self._arena.array, numbers, np.uint64(0), values)
            copying.scatter(self._arena.array, numbers, np.uint64(self.dim), slots)
            self._skip_zeros(fids, numbers)

    def clear(self) -> None:
        """Forget every row and give the memory back."""
        with self._lock:
            self._start_empty()

    def stats(self) -> TableReport:
        """How full the index is, and what was asked of the table since it was made.

        Surveys one sub-table at a time and lets others in between, so the figures are not of one moment.
        """
        survey = Survey()
        for t in range(SUBTABLES):
            with self._lock:
                self._index.survey(t, survey)
        memory = self.memory_bytes
        with self._lock:
            return report(survey, self._tally, memory, self._row_bytes)

    def _numbers_of(self, fids: Fids) -> tuple[Indices, Flags, int]:
        """Row numbers (n,), which fids existed, and how many rows were created for the others."""
        numbers = self._index.find(fids)
        existed = numbers >= 0
        if existed.all():
            return numbers, existed, 0
        unknown = given(fids[~existed])
        self._arena.ensure(self._index.end + len(unknown))  # first, so that no fid is left without its row
        created, new = self._index.add(unknown)
        self._initialise(new, given(created))
        numbers[~existed] = self._index.find(unknown)
        return numbers, existed, len(new)

    def _initialise(self, numbers: Indices, fids: Fids) -> None:
        initializers.stamp(self._arena.array, numbers, self._unseen)
        for segment, place in self._segments:
            initializers.draw(self._arena.array, numbers, fids, (segment, place), self._seed)

    def _learn(self, numbers: Indices, step: Step) -> None:
        grads = self._through_compressors(numbers, step.grads)
        update = optimizers.Update(
            self._arena.array, numbers, step.fids, grads, step.latest, step.step, self._seed
        )
        for (segment, place), rate in zip(self._segments, step.learning_rates, strict=True):
            optimizers.apply(segment.optimizer, update, place, np.float32(rate))

    def _as_read(self, numbers: Indices) -> Rows:
        rows = self._columns(numbers, 0, self.dim)
        for segment, (first, _, dim) in self._compressed:
            compressors.as_read(segment.compressor, rows, int(first), int(first + dim), self._step)
        return rows

    def _through_compressors(self, numbers: Indices, grads: Rows) -> Rows:
        """Gradients of what is kept, from `grads` of what was read; of equal numbers all see the same row."""
        if not self._compressed:
            return grads
        grads = grads.copy()
        for segment, (first, _, dim) in self._compressed:
            values = self._columns(numbers, int(first), int(dim))
            compressors.backward(segment.compressor, values, grads[:, first : first + dim], self._step)
        return given(grads)

    def _skip_zeros(self, fids: Fids, numbers: Indices) -> None:
        if self.config.skip_zero_embedding:
            values = self._columns(numbers, 0, self.dim)
            self._index.remove(given(fids[(values * values).sum(axis=1) == 0]))

    def _columns(self, numbers: Indices, start: int, width: int) -> Rows:
        out = np.empty((len(numbers), width), np.float32)
        copying.gather(self._arena.array, numbers, np.uint64(start), out)
        return out
