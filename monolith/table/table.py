"""The embedding table: an id's own row, whatever the id, until it is evicted.

Lookups and updates of rows that are there run side by side, as many as there are threads: the kernels
underneath release the interpreter lock, and a row is never torn, for a lock in its cell (`rowlock.py`) lets
one thread at a time change it and shows to those who read that it has changed. Whatever moves cells about,
creating, growing and evicting, is done alone (`turns.py`), a little at a time, so that others wait for some
milliseconds at most. Arrays that a table gives out are the caller's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from monolith.config.bad_gradients import BadGradients
from monolith.core.arrays import as_fids, as_rows
from monolith.table import eviction, layout
from monolith.table.compiling import given
from monolith.table.index import SUBTABLES, Survey
from monolith.table.journal import Journal
from monolith.table.learning import Learner
from monolith.table.occurrences import times_of
from monolith.table.population import Population
from monolith.table.rows import TableRows
from monolith.table.stats import TableReport, Tally, report
from monolith.table.steps import Step, judged, only
from monolith.table.store import UNTIMED
from monolith.table.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from monolith.core.arrays import Fids, Flags, Indices, Rows
    from monolith.table.admission.base import State
    from monolith.table.config import TableConfig
    from monolith.table.rows import Counts, Times
    from monolith.table.store import Store
    from monolith.table.updating import Work

CREATED_AT_ONCE = 2048  # rows, while others wait


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
        self._learner = Learner(config, seed)
        self._turns = Turns()
        self._tally = Tally()
        self._journal: Journal | None = None
        self._population = Population(config, seed, self._tally)
        self._compile()

    def _compile(self) -> None:
        """Compile what only some tables use, by doing it to no rows, so that no request waits for it."""
        nobody, nothing = np.empty(0, np.int64), np.empty((0, self.dim), np.float32)
        step = self.judge(Step(nobody, nothing, latest=nothing))
        self._learner.learn(self._store, step, UNTIMED)
        self._learner.as_read(np.empty((0, self.dim), np.float32))
        self._population.compile(step)

    @property
    def _store(self) -> Store:
        return self._population.store

    def __len__(self) -> int:
        with self._turns.shared:
            return len(self._store)

    @property
    def memory_bytes(self) -> int:
        """Bytes of rows, index and filter in use; those of evicted rows too, for they are kept for others."""
        with self._turns.shared:
            return self._population.memory_bytes

    @property
    def latest_step(self) -> int:
        """The latest training step that rows have taken."""
        return self._learner.latest_step

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

    def look_up(self, fids: Fids, *, create: bool, out: Rows | None = None) -> LookedUp:
        """`find_or_insert`, or `find`, and how many rows that created.

        `out` (n, dim), contiguous float32, takes the rows, if given.
        """
        fids = given(as_fids(fids))
        rows = np.empty((len(fids), self.dim), np.float32) if out is None else out
        missing = self._read(fids, rows)
        found = _but(missing, len(fids))
        created = self._create_on_sight(fids, missing, rows) if create and len(missing) else 0
        self._tally.looked_up(fids, found, len(fids) - len(missing))
        self._learner.as_read(rows)
        return LookedUp(rows, found, created)

    def peek(self, fids: Fids) -> tuple[Rows, Flags]:
        """As `find`, but the values as they are kept, and no statistics count it."""
        fids = given(as_fids(fids))
        rows = np.empty((len(fids), self.dim), np.float32)
        return rows, _but(self._read(fids, rows), len(fids))

    def assign(self, fids: Fids, rows: Rows, *, times: Times | int | None = None) -> int:
        """Set the values of rows (n, dim); of a fid that occurs twice the last. Returns rows created.

        The optimizers' state of a row that existed stays as it is. Thresholds do not count; `times` as for
        `apply`.

        Raises:
            DimensionMismatch: `rows` is not n * dim values.
            ConfigError: a time is before 1970 or after 2106.
        """
        return self._write(self._learner.assign, fids, rows, times)

    def assign_add(self, fids: Fids, rows: Rows, *, times: Times | int | None = None) -> int:
        """Add `rows` (n, dim) to the values, for a fid that occurs twice both. Returns rows created.

        Unknown fids are initialised first. Else as `assign`.
        """
        return self._write(self._learner.add, fids, rows, times)

    def _write(self, work: Work, fids: Fids, rows: Rows, times: Times | int | None) -> int:
        fids = given(as_fids(fids))
        rows = given(as_rows(rows, len(fids), self.dim))
        told = self._updated_at(times_of(times, fids, "a table"), self._store.times.latest, len(fids))
        self._store.times.hear(told)
        with self._turns.shared:
            missing = self._store.update(work, fids, rows, told)
        created = 0
        for some in _slices(missing):
            with self._turns.alone:
                created += self._store.find_or_create(given(fids[some]))[2]
                self._store.update(work, given(fids[some]), given(rows[some]), _of(told, some))
                self._population.keep_room()
        self._skip_zeros(fids)
        return created

    def reinitialize(self, fids: Fids) -> Flags:
        """Let rows be as they start, values and optimizers' state; which existed before the call (n,)."""
        fids = given(as_fids(fids))
        with self._turns.alone:
            return self._store.start_over(fids)

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
        """Make a step that was judged.

        Raises:
            MemoryError: there is no room for the rows of unknown ids. Those of known ones have learned.
        """
        assert not isinstance(step.times, int)  # judging spreads it
        times = self._updated_at(step.times, step.step, len(step.fids))
        with self._turns.shared:
            missing = self._learner.learn(self._store, step, times)
        self._store.times.hear(np.delete(times, missing) if len(times) else times)
        created = filtered = 0
        for some in _slices(missing):
            with self._turns.alone:
                taken = self._take_in(only(step, some), _of(times, some))
            created, filtered = created + taken.created, filtered + taken.filtered
        return Taken(created, filtered)

    def _take_in(self, step: Step, times: Times) -> Taken:
        """Create rows for those of the fids that deserve one, and let them learn."""
        admitted, created = self._population.admit(step)
        times = _of(times, admitted)
        self._store.times.hear(times)
        self._learner.learn(self._store, only(step, admitted), times)
        self._population.keep_room()
        return Taken(created, len(admitted) - int(np.count_nonzero(admitted)))

    def evict(self, fids: Fids) -> int:
        """Forget these fids; returns how many were known. Their memory is used for fids to come."""
        fids = given(np.unique(as_fids(fids)))
        with self._turns.alone:
            return self._population.evict(fids)

    def expire(self, now: int | None = None) -> int:
        """Forget the rows that, at `now`, were not updated for as long as their slot's are kept.

        `now` is the latest time that the table has heard of, unless given. Returns how many rows left.
        Other calls come in between, so rows may come and go meanwhile.
        """
        now = self._store.times.latest if now is None else now
        count = 0
        for span in eviction.slices(len(self)) if self.config.expires else ():
            with self._turns.alone:
                count += self._population.expire(span, now)
        return count

    def shrink(self, rows: int) -> int:
        """Forget the least recently updated rows until no more than `rows` are left; returns how many left.

        Other calls come in between, so rows may come and go meanwhile.
        """
        left = 0
        while True:
            with self._turns.alone:
                forgotten = self._population.shrink(rows)
            if not forgotten:
                return left
            left += forgotten

    def export(self) -> TableRows:
        """Every row, sorted by fid: copies. Rows may learn meanwhile; each is as it was at one moment."""
        with self._turns.shared:
            return self._store.all()

    def pieces(self) -> Iterator[TableRows]:
        """Every row, some thousands at a time, in whatever order. Rows may come and go in between."""
        for span in eviction.slices(len(self)):
            with self._turns.shared:
                piece = self._store.within(span)
            yield piece

    def filter_state(self) -> State:
        """What the filter remembers of ids without a row: what `restore` takes."""
        with self._turns.alone:
            return self._population.filter_state()

    def restore(self, rows: TableRows, filter_state: Mapping[str, NDArray[np.generic]] | None = None) -> None:
        """Become exactly `rows`, and a filter that remembers `filter_state`, or nothing.

        Raises:
            DimensionMismatch: `rows` are not of this table's dim and slot_dim; the table is unchanged.
            ConfigError: `filter_state` is another filter's; the table is unchanged.
        """
        fids = as_fids(rows.fids)
        values = as_rows(rows.values, len(fids), self.dim)
        slots = as_rows(rows.slots, len(fids), self.slot_dim)
        times = None if rows.times is None else times_of(rows.times, given(fids), "a table")
        others = Population(self.config, self._seed, self._tally, filter_state)
        others.store.fill(TableRows(fids, values, slots, times))
        with self._turns.alone:
            self._become(others)
            others.keep_room()
        self._skip_zeros(given(fids))

    def clear(self) -> None:
        """Forget every row, and what the filter remembers, and give the memory back."""
        with self._turns.alone:
            self._become(Population(self.config, self._seed, self._tally))

    def journal(self) -> Journal:
        """What tells, from now on, which rows change; always the same.

        Rows that a lookup creates have not changed; those that leave have.
        """
        with self._turns.alone:
            if self._journal is None:
                self._journal = Journal(self._turns.alone)
                self._store.told_to(self._journal)
            return self._journal

    def stats(self) -> TableReport:
        """How full the index is, and what was asked of the table since it was made.

        Surveys one sub-table at a time and lets others in between, so the figures are not of one moment.
        """
        survey = Survey()
        for t in range(SUBTABLES):
            with self._turns.shared:
                self._store.index.survey(t, survey)
        with self._turns.shared:
            return report(
                survey,
                self._tally,
                self._population.memory_bytes,
                filter_bytes=self._population.filter_bytes,
                row_bytes=self._store.row_bytes,
                most_rows=self._population.most_rows,
            )

    def _become(self, others: Population) -> None:
        self._population = others
        if self._journal:
            others.store.told_to(self._journal)

    def _create_on_sight(self, fids: Fids, missing: Indices, rows: Rows) -> int:
        """Create rows for those `missing` that need not have occurred, and read them; returns how many."""
        created = 0
        for some in _slices(missing):
            wanted, part = given(fids[some]), np.empty((len(some), self.dim), np.float32)
            with self._turns.alone:
                created += self._population.on_sight(wanted)
                self._store.read(wanted, part)
                self._population.keep_room()
            rows[some] = part
        return created

    def _updated_at(self, times: Times | None, otherwise: int, count: int) -> Times:
        """When each of `count` rows is updated, for which there is room then."""
        told = self._population.updated_at(times, otherwise, count)
        if len(told) and not self._store.times.begun:
            with self._turns.alone:
                self._store.times.begin(self._store.index.end)
        return told

    def _read(self, fids: Fids, rows: Rows) -> Indices:
        with self._turns.shared:
            return self._store.read(fids, rows)

    def _skip_zeros(self, fids: Fids) -> None:
        if self.config.skip_zero_embedding:
            with self._turns.alone:
                self._population.skip_zeros(fids)


def _but(missing: Indices, count: int) -> Flags:
    """Which of `count` fids there are (count,)."""
    found = np.ones(count, np.bool_)
    found[missing] = False
    return found


def _slices(positions: Indices) -> Iterator[Indices]:
    for start in range(0, len(positions), CREATED_AT_ONCE):
        yield positions[start : start + CREATED_AT_ONCE]


def _of(times: Times, some: Indices | Flags) -> Times:
    return given(times[some]) if len(times) else times
