"""The embedding table: an id's own row, whatever the id, until it is evicted.

Lookups and updates of rows that are there run side by side, as many as there are threads: the kernels
underneath release the interpreter lock, and a row is never torn, for a lock in its cell (`rowlock.py`) lets
one thread at a time change it and shows to those who read that it has changed. Whatever moves cells about,
creating, growing and evicting, is done alone (`turns.py`), a little at a time, so that others wait for some
milliseconds at most. Arrays that a table gives out are the caller's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

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
from monolith.table.store import UNTIMED, but
from monolith.table.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from monolith.core.arrays import Fids, Flags, Indices, Rows
    from monolith.table.admission.base import State
    from monolith.table.config import TableConfig
    from monolith.table.rows import Counts, Times
    from monolith.table.store import Store
    from monolith.table.updating import Work

T = TypeVar("T")
CHANGED_AT_ONCE = 2048  # rows that come or go while others wait
COPIED_AT_ONCE = 1 << 14


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
        found = but(missing, len(fids))
        created = self._create_on_sight(fids, missing, rows) if create and len(missing) else 0
        self._tally.looked_up(fids, found, len(fids) - len(missing))
        self._learner.as_read(rows)
        return LookedUp(rows, found, created)

    def peek(self, fids: Fids) -> tuple[Rows, Flags]:
        """As `find`, but the values as they are kept, and no statistics count it."""
        fids = given(as_fids(fids))
        rows = np.empty((len(fids), self.dim), np.float32)
        return rows, but(self._read(fids, rows), len(fids))

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
        latest = self._store.times.latest
        at = self._population.updated_at(times_of(times, fids, "a table"), latest, len(fids))
        missing = self._beside_others(at, lambda: self._store.update(work, fids, rows, at))

        def create(some: Indices) -> int:
            created = self._store.find_or_create(given(fids[some]))[2]
            self._store.update(work, given(fids[some]), given(rows[some]), _of(at, some))
            return created

        created = self._creating(missing, create, at)
        self._skip_zeros(fids)
        return created

    def reinitialize(self, fids: Fids) -> Flags:
        """Let rows be as they start, values and optimizers' state; which existed before the call (n,)."""
        fids = given(as_fids(fids))
        existed = np.empty(len(fids), np.bool_)

        def start_over(some: Indices) -> int:
            existed[some] = self._store.start_over(given(fids[some]))
            return int(np.count_nonzero(~existed[some]))

        self._creating(np.arange(len(fids)), start_over)
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
        """Make a step that was judged.

        Raises:
            MemoryError: there is no room for the rows of unknown ids. Those of known ones have learned.
        """
        assert not isinstance(step.times, int)  # judging spreads it
        times = self._population.updated_at(step.times, step.step, len(step.fids))
        missing = self._beside_others(times, lambda: self._learner.learn(self._store, step, times))
        deserving = self._deserving(step, missing)

        def create(some: Indices) -> int:
            part = only(step, some)
            created = self._store.find_or_create(part.fids)[2]
            self._learner.learn(self._store, part, _of(times, some))
            return created

        created = self._creating(deserving, create, times)
        return Taken(created, len(missing) - len(deserving))

    def _deserving(self, step: Step, missing: Indices) -> Indices:
        """Those of the `missing` fids that have occurred often enough for a row."""
        if not len(missing) or self._population.admits_all:
            return missing
        with self._turns.alone:
            return missing[self._population.admits(only(step, missing))]

    def evict(self, fids: Fids) -> int:
        """Forget these fids; returns how many were known. Their memory is used for fids to come."""
        fids = given(np.unique(as_fids(fids)))
        return sum(self._alone(np.arange(len(fids)), lambda some: self._population.evict(given(fids[some]))))

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
        """Every row, sorted by fid: copies. Others come in between, so rows may learn, come and go meanwhile.

        Each row is as it was at one moment.
        """
        fids = [self._fids(span) for span in eviction.slices(len(self))]
        return self._copied(np.sort(np.concatenate(fids)))

    def pieces(self) -> Iterator[TableRows]:
        """Every row, some thousands at a time, in whatever order. Else as `export`."""
        for span in eviction.slices(len(self)):
            yield self._copied(self._fids(span))

    def _fids(self, span: tuple[int, int]) -> Fids:
        with self._turns.shared:
            return self._store.index.within(*span)[0]

    def _copied(self, fids: Fids) -> TableRows:
        """Copies of those rows that are there."""
        count, times = len(fids), np.zeros(len(fids), np.uint32) if self._store.times.latest else None
        values, slots = (np.empty((count, width), np.float32) for width in (self.dim, self.slot_dim))
        rows, there = TableRows(fids, values, slots, times), np.empty(count, np.bool_)
        for start in range(0, count, COPIED_AT_ONCE):
            some = slice(start, start + COPIED_AT_ONCE)
            with self._turns.shared:
                there[some] = self._store.copy(given(fids[some]), rows.at(some))
        return rows if there.all() else rows.at(np.flatnonzero(there))

    def filter_state(self) -> State:
        """What the filter remembers of ids without a row: what `restore` takes."""
        with self._turns.alone:
            return self._population.filter_state()

    def restore(self, rows: TableRows, filter_state: Mapping[str, NDArray[np.generic]] | None = None) -> None:
        """Become exactly `rows`, and a filter that remembers `filter_state`, or nothing.

        Rows that are there answer until the others are complete, so for a moment there is memory for both.

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
        others.keep_room()
        with self._turns.alone:
            self._become(others)
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
                journal = Journal(self._turns.alone)
                self._store.told_to(journal)
                self._journal = journal
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
        if self._journal:
            others.store.told_to(self._journal)
        self._population = others

    def _create_on_sight(self, fids: Fids, missing: Indices, rows: Rows) -> int:
        """Create rows for those `missing` that need not have occurred, and read them; returns how many."""

        def create(some: Indices) -> int:
            wanted, part = given(fids[some]), np.empty((len(some), self.dim), np.float32)
            created = self._population.on_sight(wanted)
            self._store.read(wanted, part)
            rows[some] = part
            return created

        return self._creating(missing, create)

    def _beside_others(self, times: Times, work: Callable[[], Indices]) -> Indices:
        """Do work that shares the store, which by then keeps times if there are any."""
        while True:
            with self._turns.shared:
                if self._store.times.begun or not len(times):
                    return work()
            with self._turns.alone:
                self._store.times.begin(self._store.index.end)

    def _creating(self, missing: Indices, work: Callable[[Indices], int], times: Times = UNTIMED) -> int:
        """Do work that creates rows for those `missing`; returns how many."""
        if not len(missing):
            return 0
        with self._turns.alone:
            self._store.make_room(len(missing))  # or fail before anything has changed

        def create(some: Indices) -> int:
            if len(times):
                self._store.times.begin(self._store.index.end)
            created = work(some)
            self._population.keep_room()
            return created

        return sum(self._alone(missing, create))

    def _alone(self, which: Indices, work: Callable[[Indices], T]) -> list[T]:
        """Do work on rows that may come or go, some at a time; others come in between."""
        done = []
        for start in range(0, len(which), CHANGED_AT_ONCE):
            with self._turns.alone:
                done.append(work(which[start : start + CHANGED_AT_ONCE]))
        return done

    def _read(self, fids: Fids, rows: Rows) -> Indices:
        with self._turns.shared:
            return self._store.read(fids, rows)

    def _skip_zeros(self, fids: Fids) -> None:
        if self.config.skip_zero_embedding:
            self._alone(np.arange(len(fids)), lambda some: self._population.skip_zeros(given(fids[some])))


def _of(times: Times, some: Indices | Flags) -> Times:
    return given(times[some]) if len(times) else times
