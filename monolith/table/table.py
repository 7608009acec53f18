"""The embedding table: an id's own row, whatever the id, until it is evicted.

One lock a table: calls on one table take turns, calls on different tables run side by side, since the
kernels underneath release the interpreter lock. Arrays that a table gives out are the caller's own.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from monolith.config.bad_gradients import BadGradients
from monolith.core.arrays import Indices, as_fids, as_rows
from monolith.table import compressors, copying, eviction, layout, optimizers
from monolith.table.admission.gate import gate_of
from monolith.table.compiling import given
from monolith.table.config import FixedR8, OneBit
from monolith.table.index import SUBTABLES, Survey
from monolith.table.occurrences import times_of
from monolith.table.rows import LAST, TableRows
from monolith.table.stats import TableReport, Tally, report
from monolith.table.steps import Step, judged, only
from monolith.table.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from monolith.core.arrays import Fids, Flags, Rows
    from monolith.table.admission.base import State
    from monolith.table.admission.gate import Gate
    from monolith.table.config import TableConfig
    from monolith.table.rows import Counts, Times


class LookedUp(NamedTuple):
    """What a lookup gives."""

    rows: Rows  # (n, dim)
    found: Flags  # (n,), which had a row before the call
    created: int


class Taken(NamedTuple):
    """What became of a step."""

    created: int  # rows
    filtered: int  # gradients dropped, of ids that do not deserve a row yet


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
        self._segments = tuple(layout.places(config))
        self._compressed = [s for s in self._segments if isinstance(s[0].compressor, FixedR8 | OneBit)]
        self._lock = threading.Lock()
        self._tally = Tally()
        self._step = 0  # the latest that the table learned in
        self._lifetimes = config.slot_expire_time_config.by_slot() if config.expires else None
        self._start_empty(gate_of(config, seed))
        self._most_rows = eviction.most_rows(
            config, self._store.row_bytes, self._gate.most_bytes if self._gate else 0
        )
        self._compile()

    def _compile(self) -> None:
        """Compile what only some tables use, by doing it to no rows, so that no request waits for it."""
        nobody, nothing = np.empty(0, np.int64), np.empty((0, self.dim), np.float32)
        step = self.judge(Step(nobody, nothing, latest=nothing))
        self._store.initialise(nobody, step.fids)
        self._learn(nobody, step)
        self._as_read(nobody)
        self._store.times.advance(nobody, given(np.empty(0, np.uint32)), 0)
        if self._gate:
            self._gate.admits(step.fids, None, 0)

    def _start_empty(self, gate: Gate | None) -> None:
        self._store = Store(self.config, self._seed)
        self._gate = gate

    def __len__(self) -> int:
        with self._lock:
            return len(self._store)

    @property
    def memory_bytes(self) -> int:
        """Bytes of rows, index and filter in use; those of evicted rows too, for they are kept for others."""
        with self._lock:
            return self._store.memory_bytes + self._filter_bytes

    @property
    def _filter_bytes(self) -> int:
        return self._gate.memory_bytes if self._gate else 0

    def find(self, fids: Fids) -> tuple[Rows, Flags]:
        """Read without inserting: rows (n, dim), zeros where unknown, and which are known (n,).

        Values of segments with a FixedR8 or OneBit compressor are what is served of them, not what is kept.
        """
        return self.look_up(fids, create=False)[:2]

    def find_or_insert(self, fids: Fids) -> tuple[Rows, Flags]:
        """As `find`, creating what is unknown: rows (n, dim), and which existed before the call (n,).

        An id of a slot with an occurrence threshold gets no row from being looked up, and reads as zeros.
        """
        return self.look_up(fids, create=True)[:2]

    def look_up(self, fids: Fids, *, create: bool) -> LookedUp:
        """`find_or_insert`, or `find`, and how many rows that created."""
        fids = given(as_fids(fids))
        with self._lock:
            numbers = self._store.index.find(fids)
            found = numbers >= 0
            created = self._create_on_sight(fids, numbers) if create and not found.all() else 0
            self._tally.looked_up(fids, found)
            rows = self._as_read(numbers)
            if created:
                self._keep_room()
            return LookedUp(rows, found, created)

    def assign(self, fids: Fids, rows: Rows, *, times: Times | int | None = None) -> int:
        """Set the values of rows (n, dim); of a fid that occurs twice the last. Returns rows created.

        The optimizers' state of a row that existed stays as it is. Thresholds do not count; `times` as for
        `apply`.

        Raises:
            DimensionMismatch: `rows` is not n * dim values.
            ConfigError: a time is before 1970 or after 2106.
        """
        return self._write(copying.set_values, fids, rows, times)

    def assign_add(self, fids: Fids, rows: Rows, *, times: Times | int | None = None) -> int:
        """Add `rows` (n, dim) to the values, for a fid that occurs twice both. Returns rows created.

        Unknown fids are initialised first. Else as `assign`.
        """
        return self._write(copying.add, fids, rows, times)

    def _write(
        self,
        write: Callable[[Rows, Indices, Rows], None],
        fids: Fids,
        rows: Rows,
        times: Times | int | None,
    ) -> int:
        fids = given(as_fids(fids))
        rows = given(as_rows(rows, len(fids), self.dim))
        told = times_of(times, fids, "a table")
        with self._lock:
            numbers, _, created = self._store.find_or_create(fids)
            write(self._store.rows, numbers, rows)
            self._touch(numbers, told, self._store.times.latest)
            self._skip_zeros(fids, numbers)
            self._keep_room()
            return created

    def reinitialize(self, fids: Fids) -> Flags:
        """Let rows be as they start, values and optimizers' state; which existed before the call (n,)."""
        fids = given(as_fids(fids))
        with self._lock:
            numbers, existed, _ = self._store.find_or_create(fids)
            self._store.initialise(numbers, fids)
            return existed

    def apply(
        self,
        fids: Fids,
        grads: Rows,
        learning_rates: Sequence[float] = (),
        step: int = 0,
        latest: Rows | None = None,
        *,
        counts: Counts | None = None,
        times: Times | int | None = None,
    ) -> int:
        """Take one optimizer `Step` for each of `fids` with `grads` (n, dim). Returns rows created.

        Unknown fids are initialised first, if they have occurred often enough; if not, their gradients are
        dropped. The latest step also decides how steep a OneBit compressor is.

        Raises:
            DimensionMismatch: `grads` or `latest` is not n * dim values, or the number of rates, counts or
                times does not fit.
            ConfigError: a rate is negative or not finite, the step is negative, a count is below 1, or a time
                is before 1970 or after 2106.
            GradientNotFinite: a gradient is NaN or infinite, and the table refuses those.
        """
        return self.take(self.judge(Step(fids, grads, learning_rates, step, latest, counts, times))).created

    def judge(self, asked: Step, *, of: str = "a table") -> Step:
        """What `take` takes, or what `apply` raises. `of` names the table in errors."""
        return judged(asked, self.config, self._bad_gradients, of=of)

    def take(self, step: Step) -> Taken:
        """Make a step that was judged."""
        with self._lock:
            asked = len(step.fids)
            if self._gate:
                step = self._admitted(self._gate, step)
            numbers, _, created = self._store.find_or_create(step.fids)
            self._step = max(self._step, step.step)
            self._learn(numbers, step)
            assert not isinstance(step.times, int)  # judging spreads it
            self._touch(numbers, step.times, step.step)
            self._keep_room()
            return Taken(created, asked - len(step.fids))

    def evict(self, fids: Fids) -> int:
        """Forget these fids; returns how many were known. Their memory is used for fids to come."""
        fids = given(np.unique(as_fids(fids)))
        with self._lock:
            numbers = self._store.index.find(fids)
            return self._forget(fids[numbers >= 0], numbers[numbers >= 0])

    def expire(self, now: int | None = None) -> int:
        """Forget the rows that, at `now`, were not updated for as long as their slot's are kept.

        `now` is the latest time that the table has heard of, unless given. Returns how many rows left.
        Other calls come in between, so rows may come and go meanwhile.
        """
        if self._lifetimes is None:
            return 0
        now = self._store.times.latest if now is None else now
        count = 0
        for span in eviction.slices(len(self)):
            with self._lock:
                count += self._forget(*eviction.overdue(self._store, span, self._lifetimes, now))
        return count

    def shrink(self, rows: int) -> int:
        """Forget the least recently updated rows until no more than `rows` are left; returns how many left.

        Other calls come in between, so rows may come and go meanwhile.
        """
        left = 0
        while True:
            with self._lock:
                forgotten = self._forget(*eviction.surplus(self._store, rows))
            if not forgotten:
                return left
            left += forgotten

    def export(self) -> TableRows:
        """Every row, sorted by fid: a copy, taken at one moment."""
        with self._lock:
            fids, numbers = self._store.index.entries()
            values = self._store.columns(numbers, 0, self.dim)
            slots = self._store.columns(numbers, self.dim, self.slot_dim)
            return TableRows(
                fids, values, slots, self._store.times.of(numbers) if self._store.times.latest else None
            )

    def filter_state(self) -> State:
        """What the filter remembers of ids without a row: what `restore` takes."""
        with self._lock:
            return self._gate.state() if self._gate else {}

    def restore(self, rows: TableRows, filter_state: Mapping[str, NDArray[np.generic]] | None = None) -> None:
        """Become exactly `rows`, and a filter that remembers `filter_state`, or nothing.

        Raises:
            DimensionMismatch: `rows` are not of this table's dim and slot_dim; the table is unchanged.
            ConfigError: `filter_state` is another filter's; the table is unchanged.
        """
        fids = given(as_fids(rows.fids))
        values = given(as_rows(rows.values, len(fids), self.dim))
        slots = given(as_rows(rows.slots, len(fids), self.slot_dim))
        times = None if rows.times is None else times_of(rows.times, fids, "a table")
        gate = gate_of(self.config, self._seed)
        if gate and filter_state:
            gate.restore(filter_state)
        with self._lock:
            self._start_empty(gate)
            numbers, _, _ = self._store.find_or_create(fids)
            copying.scatter(self._store.rows, numbers, np.uint64(0), values)
            copying.scatter(self._store.rows, numbers, np.uint64(self.dim), slots)
            self._touch(numbers, times, 0)
            self._skip_zeros(fids, numbers)
            self._keep_room()

    def clear(self) -> None:
        """Forget every row, and what the filter remembers, and give the memory back."""
        with self._lock:
            self._start_empty(gate_of(self.config, self._seed))

    def stats(self) -> TableReport:
        """How full the index is, and what was asked of the table since it was made.

        Surveys one sub-table at a time and lets others in between, so the figures are not of one moment.
        """
        survey = Survey()
        for t in range(SUBTABLES):
            with self._lock:
                self._store.index.survey(t, survey)
        memory = self.memory_bytes
        with self._lock:
            filters, row = self._filter_bytes, self._store.row_bytes
            return report(
                survey,
                self._tally,
                memory,
                filter_bytes=filters,
                row_bytes=row,
                most_rows=self._most_rows,
            )

    def _create_on_sight(self, fids: Fids, numbers: Indices) -> int:
        """Create rows for those without a number that need not have occurred; sets their `numbers`."""
        unknown = np.flatnonzero(numbers < 0)
        if self._gate:
            unknown = unknown[self._gate.on_sight(fids[unknown])]
        return self._store.create(fids, numbers, unknown)

    def _admitted(self, gate: Gate, step: Step) -> Step:
        """What is left of `step` once those have been turned away that do not deserve a row yet."""
        kept = self._store.index.find(step.fids) >= 0
        unknown = np.flatnonzero(~kept)
        counts = None if step.counts is None else step.counts[unknown]
        kept[unknown] = gate.admits(step.fids[unknown], counts, step.step)
        if kept.all():
            return step
        self._tally.filtered(step.fids[~kept])
        return only(step, kept)

    def _touch(self, numbers: Indices, times: Times | None, otherwise: int) -> None:
        """Rows were updated at `times`; where nobody knows, at `otherwise` if some will have to leave."""
        if self._most_rows is not None:
            known = np.zeros(len(numbers), np.uint32) if times is None else times
            times = np.where(known > 0, known, np.uint32(min(otherwise, LAST)))
        if times is not None:
            self._store.times.advance(numbers, given(times), self._store.index.end)

    def _keep_room(self) -> None:
        """Forget the least recently updated rows beyond what the table may hold."""
        if self._most_rows is not None:
            while self._forget(*eviction.surplus(self._store, self._most_rows)):
                pass

    def _forget(self, fids: Fids, numbers: Indices) -> int:
        """These fids and rows, which belong together, part."""
        self._tally.evicted(fids)
        return self._store.forget(fids, numbers)

    def _learn(self, numbers: Indices, step: Step) -> None:
        grads = self._through_compressors(numbers, step.grads)
        update = optimizers.Update(
            self._store.rows, numbers, step.fids, grads, step.latest, step.step, self._seed
        )
        for (segment, place), rate in zip(self._segments, step.learning_rates, strict=True):
            optimizers.apply(segment.optimizer, update, place, np.float32(rate))

    def _as_read(self, numbers: Indices) -> Rows:
        rows = self._store.columns(numbers, 0, self.dim)
        for segment, (first, _, dim) in self._compressed:
            compressors.as_read(segment.compressor, rows, int(first), int(first + dim), self._step)
        return rows

    def _through_compressors(self, numbers: Indices, grads: Rows) -> Rows:
        """Gradients of what is kept, from `grads` of what was read; of equal numbers all see the same row."""
        if not self._compressed:
            return grads
        grads = grads.copy()
        for segment, (first, _, dim) in self._compressed:
            values = self._store.columns(numbers, int(first), int(dim))
            compressors.backward(segment.compressor, values, grads[:, first : first + dim], self._step)
        return given(grads)

    def _skip_zeros(self, fids: Fids, numbers: Indices) -> None:
        if self.config.skip_zero_embedding:
            values = self._store.columns(numbers, 0, self.dim)
            zeros = (values * values).sum(axis=1) == 0
            self._store.forget(fids[zeros], numbers[zeros])
