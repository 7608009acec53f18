"""What one target has yet to be sent of a server's tables, and how far it has come. Blocking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, zip_longest

import attrs
import numpy as np

from monolith.core.arrays import Fids
from monolith.sync.splitting import FID_BYTES, split
from monolith.table.journal import Reader
from monolith.table.table import Table
from monolith.wire.pushes import Delta

LIMIT_BYTES = 2 << 20  # of a message, about; gRPC takes 4 MiB where nobody says otherwise
NOBODY = np.empty(0, np.int64)
Tables = Callable[[], Iterable[tuple[str, Table]]]
Deltas = Sequence[Delta]


class Round:
    """What to send now, in messages: what changed, or, `whole`, all there is of some tables.

    `partial`: of others, which it says nothing of, the target has had rows before.
    `reached` is called when all of it has arrived, `undo` where nothing of it has, and it goes no further.
    """

    def __init__(
        self,
        messages: Iterator[Deltas],
        reached: Callable[[], None],
        undo: Callable[[], None] = lambda: None,
        *,
        whole: bool,
        partial: bool = False,
    ) -> None:
        self.whole = whole
        self.partial = partial
        self.undo = undo
        self._messages: Iterator[Deltas] | None = messages
        self._reached = reached
        self._next = next(messages)

    def take(self) -> tuple[Deltas, bool]:
        """The next message, and whether it is the last."""
        messages, deltas = self._messages or iter(()), self._next
        following = next(messages, None)
        if following is not None:
            self._next = following
        return deltas, following is None

    def let_go(self) -> None:
        """Hold nothing any more: what has not been sent comes again in another round."""
        self._messages = None

    @property
    def held(self) -> bool:
        return self._messages is not None

    def done(self) -> None:
        """All of it has arrived."""
        self._reached()


@attrs.frozen
class _Followed:
    """One table, and how far the target has come with it."""

    name: str
    table: Table
    reader: Reader

    @property
    def width(self) -> int:
        return FID_BYTES + 4 * self.table.dim

    def delta(self, fids: Fids) -> Delta:
        """The rows of some fids as they are now; those that have none were removed."""
        rows, found = self.table.peek(fids)
        if found.all():
            return Delta(self.name, self.table.dim, fids, rows, NOBODY)
        return Delta(self.name, self.table.dim, fids[found], rows[found], fids[~found])


class Source:
    """The tables of one server, as one target has seen them: nothing of them yet.

    A table that never had a row is not spoken of: perhaps its rows are about to be restored.
    """

    def __init__(self, tables: Tables, limit_bytes: int = LIMIT_BYTES) -> None:
        self._tables = tables
        self._limit = limit_bytes
        self._followed: dict[str, _Followed] = {}
        self._spoken_of: set[str] = set()
        self.left_out: set[str] = set()  # tables that the target does not take

    @property
    def begun(self) -> bool:
        """Whether there was anything to send yet."""
        return bool(self._spoken_of)

    def next_round(self) -> Round | None:
        """What to send now, if there is anything."""
        followed = self._follow()
        ahead = {f.name: f.reader.ahead() for f in followed if f.reader.position is not None}
        lost = [f for f in followed if f.name not in ahead or ahead[f.name].fids is None]
        if lost := [f for f in lost if self._spoken_of_or_not_empty(f)]:
            return self._whole(
                lost, partial=any(f.name in self._spoken_of for f in followed if f not in lost)
            )
        changed = [(f, fids) for f in followed if f.name in ahead and (fids := ahead[f.name].fids)]

        def reached() -> None:
            for f in followed:
                if f.name in ahead:
                    f.reader.reached(ahead[f.name].position)

        if not changed:
            reached()
            return None
        return Round(self._changes(changed), reached, whole=False)

    @property
    def waiting(self) -> int:
        """About how many rows the target has yet to be sent, also of tables that it does not take."""
        counted = [(f.reader.waiting, f.table) for f in tuple(self._followed.values())]
        return sum(len(table) if count is None else count for count, table in counted)

    def send_all(self) -> None:
        """The target needs everything."""
        for followed in self._followed.values():
            followed.reader.reached(None)

    def leave_out(self, names: Iterable[str]) -> set[str]:
        """Speak of these tables no more, and keep nothing of them; gives those that had been spoken of."""
        fewer = self._followed.keys() & set(names) - self.left_out
        for name in fewer:
            self._followed[name].reader.reached(None)
        self.left_out |= fewer
        return fewer

    def take_up(self) -> None:
        """Speak of all tables again."""
        self.left_out.clear()

    def close(self) -> None:
        """Nothing is kept for the target any more."""
        followed, self._followed = self._followed, {}
        for one in followed.values():
            one.reader.close()

    def latest_step(self) -> int:
        """The latest training step that the tables have seen."""
        return max((f.table.latest_step for f in self._followed.values()), default=0)

    def _follow(self) -> list[_Followed]:
        for name, table in self._tables():
            if name not in self._followed:
                self._followed[name] = _Followed(name, table, table.journal().reader())
        return [followed for name, followed in self._followed.items() if name not in self.left_out]

    def _spoken_of_or_not_empty(self, followed: _Followed) -> bool:
        if len(followed.table):
            self._spoken_of.add(followed.name)
        return followed.name in self._spoken_of

    def _whole(self, lost: Sequence[_Followed], *, partial: bool) -> Round:
        for followed in lost:
            followed.reader.begin()
        names = [followed.delta(NOBODY) for followed in lost]
        rows = (message for followed in lost for message in self._all_rows(followed))

        def undo() -> None:
            for followed in lost:
                followed.reader.reached(None)

        return Round(chain([names], rows), lambda: None, undo, whole=True, partial=partial)

    def _all_rows(self, followed: _Followed) -> Iterator[Deltas]:
        name, dim = followed.name, followed.table.dim
        for piece in followed.table.pieces():
            for [some] in split([len(piece)], [followed.width], self._limit) if len(piece) else ():
                yield [Delta(name, dim, piece.fids[some], piece.values[some], NOBODY)]

    def _changes(self, changed: Sequence[tuple[_Followed, list[Fids]]]) -> Iterator[Deltas]:
        tables, chunks = zip(*changed, strict=True)
        for group in zip_longest(*chunks, fillvalue=NOBODY):
            for cut in split([len(fids) for fids in group], [t.width for t in tables], self._limit):
                some = zip(tables, group, cut, strict=True)
                if deltas := [table.delta(fids[part]) for table, fids, part in some if len(fids[part])]:
                    yield deltas
