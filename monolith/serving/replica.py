"""The live tables of the model that is served: rows that are pushed change them, and new versions join them.

Predictions read the tables all the while. A push is applied by one thread at a time; a new version takes
the place of the old one in between, and takes nothing back that was pushed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import attrs

from monolith.core.arrays import Fids, Flags, Rows, as_rows
from monolith.core.errors import DimensionMismatch, InvalidRequest, ModelNotFound, ServerBusy, TablesRefused
from monolith.serving.live import LiveTable
from monolith.serving.manifest import ExportManifest, read_manifest
from monolith.serving.model import ServingModel
from monolith.serving.senders import Sender, Senders, must_be_numbered
from monolith.table.rows import Times
from monolith.wire.pushes import Delta, Push

_Change: TypeAlias = tuple[LiveTable, Delta, Rows]  # (n, dim) values

PATIENCE_S = 5.0  # of a push, while a new version takes over the rows, and the other way round


@attrs.frozen
class Applied:
    """What became of a push: `rows` that were set, rows that were `removed`; `again` if nothing was new."""

    rows: int = 0
    removed: int = 0
    again: bool = False


class Replica:
    """What pushes write to. `clock_ms` is unix time.

    Rows are stamped with seconds, but whenever somebody begins to send everything time goes on by one at
    least, so that rows which come from then on can be told from all that came before.
    """

    def __init__(self, model: str, clock_ms: Callable[[], int]) -> None:
        self.tables: Mapping[str, LiveTable] = {}
        self._model = model
        self._clock_ms = clock_ms
        self._senders = Senders()
        self._exported_ms = 0
        self._stamp = 0
        self._changing = threading.Lock()

    def load(self, folder: Path) -> ServingModel:
        """The version in `folder`, ready, with all that was pushed and is newer than it.

        Tables of which all is here and newer stay as they are, and what the version has of them is not
        read. Of others, the rows that were pushed later than they were exported are taken over. Once this
        returns pushes go to the tables of this version, so it must be the next to be served.

        Raises:
            EmbeddingsMissing: it was exported without embeddings, and those of now do not fit.
            VersionUnready: a file of it is missing, or cannot be read just now.
            ServingError: a file of it was altered, or the dense part does not fit the tables.
            ServerBusy: pushes take all the time.
        """
        manifest = read_manifest(folder)
        with self._alone():
            staying = {
                name: table for name, table in self.tables.items() if self._stays(table, name, manifest)
            }
        model = ServingModel.load(folder, staying)
        model.warm_up()
        with self._alone():
            self._exchange(model)
        return model

    def push(self, push: Push) -> Applied:
        """Apply what is pushed, all of it or, if it is refused, nothing.

        Raises:
            ModelNotFound, InvalidRequest: it is of another model, or malformed.
            TablesRefused: it has rows of tables that are not here, or not like that.
            EverythingNeeded: its sender has to send everything.
            ServerBusy: a new version is taking over the rows.
        """
        if push.model != self._model:
            raise ModelNotFound(
                f"rows of model {push.model!r} were pushed to {self._model!r}", model=push.model
            )
        must_be_numbered(push)
        with self._alone():
            sender = self._senders.admit(push) if push.sender else None
            if push.sender and sender is None:  # even if it would be refused by now
                return Applied(again=True)
            changes = self._changes(push)
            return self._applied(sender, push, changes) if sender else self._written(changes)

    def staleness_s(self) -> float:
        """How long ago the oldest rows were up to date: NaN if nobody ever said."""
        if (as_of := self._as_of_ms()) == 0:
            return float("nan")
        return max(self._clock_ms() - as_of, 0) / 1000

    def _as_of_ms(self) -> int:
        """Until when all that was learned is here; for a shard without a sender the export tells."""
        complete = self._senders.complete  # first: pushes go on, and who is new since then has more to send
        told = [sender.as_of_ms or self._exported_ms for sender in tuple(self._senders)]
        return min(told if complete and told else [*told, self._exported_ms])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._changing.acquire(timeout=PATIENCE_S):
            raise ServerBusy(f"somebody else has been changing the tables for {PATIENCE_S:g} s: try again")
        try:
            yield
        finally:
            self._changing.release()

    def _changes(self, push: Push) -> list[_Change]:
        if refused := {delta.table: why for delta in push.deltas if (why := self._misfit(delta))}:
            raise TablesRefused(refused)
        return [self._change(delta, push) for delta in push.deltas]

    def _misfit(self, delta: Delta) -> str:
        """Why this model takes no such rows, if it does not."""
        table = self.tables.get(delta.table)
        if table is None:
            return f"table {delta.table!r} is not of the model: it has {', '.join(sorted(self.tables))}"
        if delta.dim != table.about.dim and (delta.dim or len(delta.fids)):
            return f"table {delta.table!r} has rows of {table.about.dim} values here, not {delta.dim}"
        return ""

    def _change(self, delta: Delta, push: Push) -> _Change:
        table = self.tables[delta.table]
        for fids in (delta.fids, delta.removed):
            if (strange := fids[fids % push.shards != push.shard]).size:
                raise InvalidRequest(
                    f"table {delta.table!r}: fid {strange[0]} is not of shard {push.shard} of {push.shards}",
                    input=delta.table,
                )
        try:
            return table, delta, as_rows(delta.values, len(delta.fids), table.about.dim)
        except DimensionMismatch as exc:
            raise InvalidRequest(f"table {delta.table!r}: {exc}", input=delta.table) from exc

    def _applied(self, sender: Sender, push: Push, changes: list[_Change]) -> Applied:
        if push.whole_begin:
            self._stamp += 1
            self._senders.begin(sender, push, self._now())
        sender.named.update(delta.table for delta in push.deltas)
        done = self._written(changes)
        if push.whole_end and sender.whole_since is not None:
            there = sender.named & self.tables.keys()  # another version may have taken over meanwhile
            gone = sum(self._forget_unsent(sender, sender.whole_since, name) for name in there)
            done = attrs.evolve(done, removed=done.removed + gone)
        self._senders.applied(sender, push)
        return done

    def _written(self, changes: list[_Change]) -> Applied:
        rows = removed = 0
        stamp = self._now()
        for table, delta, values in changes:
            removed += table.put(delta.fids, values, stamp) + table.evict(delta.removed)
            rows += len(delta.fids)
        return Applied(rows, removed)

    def _forget_unsent(self, sender: Sender, since: int, table: str) -> int:
        def unsent(fids: Fids, stamps: Times) -> Flags:
            return self._senders.of(fids, [sender]) & (stamps < since)

        return self.tables[table].evict_where(unsent)

    def _now(self) -> int:
        """The stamp of rows that come now; stamps never go back."""
        self._stamp = max(self._stamp, self._clock_ms() // 1000)
        return self._stamp

    def _stays(self, table: LiveTable, name: str, manifest: ExportManifest) -> bool:
        """Whether a table goes on as it is when the version of `manifest` comes."""
        told = manifest.tables.get(name)
        if told is None:
            return True
        up_to_date = all(sender.holds(manifest.as_of_ms) for sender in self._senders)
        return told.rules == table.about.rules and self._senders.complete and up_to_date

    def _exchange(self, model: ServingModel) -> None:
        """Take over what was pushed and is newer than the version's own; from now on, push to its tables."""
        as_of_ms, others = model.manifest.as_of_ms, self.tables
        fresh = {name: table for name, table in model.tables.items() if others.get(name) is not table}
        holding = [sender for sender in self._senders if sender.holds(as_of_ms)]
        exact = True
        for name, table in fresh.items():
            older = others.get(name)
            if older is not None and older.about.dim == table.about.dim:
                self._take_over(table, older, holding, as_of_ms)
            exact &= older is not None and (older.about.exact or table.rounds_like(older))
        if fresh:
            self._senders.keep(holding if exact else ())
            self._exported_ms = as_of_ms
        self.tables = model.tables

    def _take_over(
        self, table: LiveTable, older: LiveTable, holding: Collection[Sender], as_of_ms: int
    ) -> None:
        """All rows of the senders that hold theirs, and of others what was pushed since the export."""
        since = max(as_of_ms // 1000, 1)
        table.take_over(older, lambda fids, stamps: self._senders.of(fids, holding) | (stamps >= since))
        table.evict_where(lambda fids, _: self._senders.of(fids, holding) & ~older.find(fids)[1])
