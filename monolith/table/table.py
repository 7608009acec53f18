"""The embedding table: an id's own row, whatever the id, until it is evicted.

What threads may do beside each other stands in `sharing.py`, what is done to all rows in `all_rows.py`.
Arrays that a table gives out are the caller's own.
"""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from monolith.config.bad_gradients import BadGradients
from monolith.core.arrays import as_fids
from monolith.core.choice import choice
from monolith.core.errors import ConfigError, DimensionMismatch
from monolith.table.all_rows import AllRows
from monolith.table.compiling import given
from monolith.table.config import TableConfig
from monolith.table.learning import Learner
from monolith.table.steps import Step, judged, only
from monolith.table.store import UNTIMED, but

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monolith.core.arrays import Fids, Flags, Indices, Rows
    from monolith.table.rows import Counts, Times
    from monolith.table.updating import Work


class LookedUp(NamedTuple):
    """What a lookup gives."""

    rows: Rows  # (n, dim)
    found: Flags  # (n,), which had a row before the call
    created: int


class Taken(NamedTuple):
    """What became of a step."""

    created: int  # rows
    filtered: int  # gradients dropped, of ids that do not deserve a row yet


class Table(AllRows):
    """Rows of `dim` float32 values by int64 fid, each with its optimizers' state. Safe from many threads.

    No two fids share a row, and every int64 is a fid. How an unseen row starts is decided by
    (`seed`, fid, column) alone, never by who came first. With `dated`, rows of which nobody tells when they
    are updated have the latest time of any, or the step, so that somebody can tell which are the oldest.

    `fids` are int64 (n,), rows and gradients float32 (n, dim); what can become that is taken, too. Gradients
    that are NaN or infinite are treated as `bad_gradients` says.

    >>> from monolith.table.config import Constants, Segment, Sgd, TableConfig
    >>> table = Table(TableConfig((Segment(2, Constants(1.0), Sgd(learning_rate=0.5)),)))
    >>> table.apply(np.array([7, -7]), np.array([[1, 0], [0, 2]]))  # two fids that were not there
    2
    >>> rows, found = table.find(np.array([-7, 7, 8]))
    >>> rows.tolist(), found.tolist()
    ([[1.0, 0.0], [0.5, 1.0], [0.0, 0.0]], [True, True, False])
    """

    def __init__(
        self,
        config: TableConfig,
        *,
        seed: int = 0,
        bad_gradients: BadGradients = BadGradients.REFUSE,
        dated: bool = False,
    ) -> None:
        if not isinstance(config, TableConfig):
            raise ConfigError([f"a table of {reprlib.repr(config)}: must be of a TableConfig()"])
        super().__init__(config, seed, dated=dated)
        self._bad_gradients = choice(BadGradients, bad_gradients, "bad_gradients")
        self._learner = Learner(config, seed)
        self._compile()

    def _compile(self) -> None:
        """Compile what only some tables use, by doing it to no rows, so that no request waits for it."""
        nobody, nothing = np.empty(0, np.int64), np.empty((0, self.dim), np.float32)
        step = self.judge(Step(nobody, nothing, latest=nothing))
        self._learner.learn(self._store, step, UNTIMED)
        self._learner.as_read(np.empty((0, self.dim), np.float32))
        self._population.compile(step)

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

        Raises:
            DimensionMismatch: `out` is something else.
        """
        fids = given(as_fids(fids))
        rows = _room(len(fids), self.dim, out)
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

        The optimizers' state of a row that existed stays as it is. Thresholds do not count, though upstream
        asks its filter here, too; `times` as for `apply`.

        Raises:
            DimensionMismatch: `rows` is not n * dim values.
            ConfigError: a time is before 1970 or after 2106.
            GradientNotFinite: a value is, too, where such gradients are refused; or it is skipped or clipped.
        """
        return self._write(self._learner.assign, fids, rows, times)

    def assign_add(self, fids: Fids, rows: Rows, *, times: Times | int | None = None) -> int:
        """Add `rows` (n, dim) to the values, for a fid that occurs twice both. Returns rows created.

        Unknown fids are initialised first. Else as `assign`.
        """
        return self._write(self._learner.add, fids, rows, times)

    def _write(self, work: Work, fids: Fids, rows: Rows, times: Times | int | None) -> int:
        step = self.judge(Step(fids, rows, times=times))
        fids, rows = step.fids, step.grads
        at = self._times(step)
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

    def evict(self, fids: Fids) -> int:
        """Forget these fids; returns how many were known. Their memory is used for fids to come."""
        fids = given(np.unique(as_fids(fids)))
        return sum(self._alone(np.arange(len(fids)), lambda some: self._population.evict(given(fids[some]))))

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
        times = self._times(step)
        missing = self._beside_others(times, lambda: self._learner.learn(self._store, step, times))
        deserving = self._deserving(step, missing)

        def create(some: Indices) -> int:
            part = only(step, some)
            created = self._store.find_or_create(part.fids)[2]
            self._learner.learn(self._store, part, _of(times, some))
            return created

        created = self._creating(deserving, create, times)
        return Taken(created, len(missing) - len(deserving))

    def _times(self, step: Step) -> Times:
        """When the rows of a judged step are updated; counts what was wrong with it."""
        assert not isinstance(step.times, int)  # judging spreads it
        if step.not_finite is not None:
            self._tally.not_finite(step.not_finite)
        return self._population.updated_at(step.times, step.step, len(step.fids))

    def _deserving(self, step: Step, missing: Indices) -> Indices:
        """Those of the `missing` fids that have occurred often enough for a row."""
        if not len(missing) or self._population.admits_all:
            return missing
        with self._turns.alone:
            return missing[self._population.admits(only(step, missing))]

    def _create_on_sight(self, fids: Fids, missing: Indices, rows: Rows) -> int:
        """Create rows for those `missing` that need not have occurred, and read them; returns how many."""

        def create(some: Indices) -> int:
            wanted, part = given(fids[some]), np.empty((len(some), self.dim), np.float32)
            created = self._population.on_sight(wanted)
            self._store.read(wanted, part)
            rows[some] = part
            return created

        return self._creating(missing, create)


def _room(count: int, dim: int, out: Rows | None) -> Rows:
    if out is None:
        return np.empty((count, dim), np.float32)
    if out.shape != (count, dim) or out.dtype != np.float32 or not out.flags.c_contiguous:
        raise DimensionMismatch(count * dim, out.size, what="contiguous float32 for the rows of a lookup")
    return out


def _of(times: Times, some: Indices | Flags) -> Times:
    return given(times[some]) if len(times) else times
