"""A receiver in a dict, which applies pushes as the proto says, and may be made to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import repeat

import numpy as np

from monolith.core.errors import PushFailed
from monolith.sync.link import Reply
from monolith.table.table import Table
from monolith.wire import parameter_sync_pb2 as pb

Rows = dict[str, dict[int, list[float]]]


class Receiver:
    """What a serving process would hold. `reference` knows no field of ours."""

    def __init__(self, *, reference: bool = False) -> None:
        self.rows: Rows = {}
        self.requests: list[pb.PushRequest] = []
        self.reference = reference
        self.lacks: set[str] = set()  # tables
        self.restart()

    def restart(self) -> None:
        self.sequences: dict[int, int] = {}
        self.replaced: set[int] = set()  # senders
        self.whole: dict[str, set[int]] | None = None

    def answer(self, body: bytes) -> Reply:
        request = pb.PushRequest.FromString(body)
        self.requests.append(request)
        if not self.reference:
            known = self.sequences.get(request.sender)
            if known is not None and request.sequence <= known:
                return Reply(0, "")
            if request.sender in self.replaced:
                return Reply(1, "another sender has taken over")
            anew = request.whole_begin and not request.partial
            if not anew and known is None:
                return Reply(5, "send everything")
            if not anew and request.after != known:
                return Reply(6, "too early") if request.after > known else Reply(5, "send everything")
            if refused := tuple(d.unique_id for d in request.delta_hash_tables if d.unique_id in self.lacks):
                return Reply(1, "it is not of the model", refused)
            self.replaced |= self.sequences.keys() - {request.sender}
            self.sequences = {request.sender: request.sequence}
        self._apply(request)
        return Reply(0, "")

    def _apply(self, request: pb.PushRequest) -> None:
        if request.whole_begin and not self.reference:
            self.whole = {}
        for delta in request.delta_hash_tables:
            table = self.rows.setdefault(delta.unique_id, {})
            values = np.array(delta.embeddings, np.float32).reshape(len(delta.fids), delta.dim_size)
            table |= dict(zip(delta.fids, values.tolist(), strict=True))
            if self.whole is not None:
                self.whole.setdefault(delta.unique_id, set()).update(delta.fids)
            for fid in () if self.reference else delta.removed:
                table.pop(fid, None)
        if request.whole_end and self.whole is not None:
            for name in self.whole.keys() & self.rows.keys():  # it may lack one by now
                came = self.whole[name]
                self.rows[name] = {fid: row for fid, row in self.rows[name].items() if fid in came}
            self.whole = None

    def equals(self, tables: dict[str, Table]) -> bool:
        return self.rows == rows_of(tables)


def rows_of(tables: dict[str, Table]) -> Rows:
    exported = {name: table.export() for name, table in tables.items()}
    return {
        name: dict(zip(rows.fids.tolist(), rows.values.tolist(), strict=True))
        for name, rows in exported.items()
    }


class FakeLink:
    """To a `Receiver`, through `fault`, which may wait, raise, or lose the answer by raising after it."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.broken: str | None = None  # what failing pushes say
        self.lasting = False
        self.answers_lost = 0
        self.hangs = False
        self.closed = False
        self.before: Callable[[], None] = lambda: None
        self.tries = 0
        self.delays: Iterator[float] = repeat(0.0)  # of one push after the other: one may overtake another
        self.lost: Iterator[str] = repeat(
            ""
        )  # of one push after the other: "push", "answer", or it is "late"
        self.takes_s = 0.0  # to apply a push, one after the other
        self._applying = asyncio.Lock()
        self.late_s = 0.02
        self.under_way = self.most_under_way = 0

    async def push(self, body: bytes, timeout_s: float) -> Reply:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            async with asyncio.timeout(timeout_s):
                await self._travel(body)
                async with self._applying:
                    await asyncio.sleep(self.takes_s)
            return await self._pushed(body, timeout_s)
        except TimeoutError as exc:
            raise PushFailed("far", "no answer") from exc
        finally:
            self.under_way -= 1

    async def _travel(self, body: bytes) -> None:
        """What is on its way arrives, even if nobody waits for it any more."""
        try:
            await asyncio.sleep(next(self.delays))
        except asyncio.CancelledError:
            self._arrive_later(body)
            raise

    def _arrive_later(self, body: bytes) -> None:
        asyncio.get_running_loop().call_later(self.late_s, self.receiver.answer, body)

    async def _pushed(self, body: bytes, timeout_s: float) -> Reply:
        self.tries += 1
        self.before()
        if self.hangs:
            await asyncio.sleep(timeout_s)
            raise PushFailed("far", "no answer")
        if self.broken:
            raise PushFailed("far", self.broken, lasting=self.lasting)
        lost = next(self.lost)
        if self.answers_lost:
            self.answers_lost, lost = self.answers_lost - 1, "answer"
        if lost in ("push", "late"):
            if lost == "late":
                self._arrive_later(body)
            raise PushFailed("far", "the push was lost")
        reply = self.receiver.answer(body)
        if lost == "answer":
            raise PushFailed("far", "the answer was lost")
        return reply

    async def close(self) -> None:
        self.closed = True
