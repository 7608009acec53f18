"""One target, and everything that it has to be sent, one push after the other."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

from monolith.core.errors import PushFailed
from monolith.sync.delivery import Delivery, Stopping, loop_s
from monolith.sync.lacking import Lacking
from monolith.sync.link import Link, Reply
from monolith.sync.message import Letterhead, Message, Sheet, written
from monolith.sync.patience import Pace, Patience
from monolith.sync.pipeline import Pipeline
from monolith.sync.pushed import Pushed
from monolith.sync.source import Round, Source
from monolith.sync.world import World
from monolith.wire.pushes import PushStatus

ARRIVED = (PushStatus.OK, PushStatus.SEND_EVERYTHING)  # answers of a target that works
log = logging.getLogger(__name__)


class Target:
    """Sends what `source` has over `link`, from `run` on. `name` is how it is called in messages."""

    def __init__(
        self, name: str, link: Link, source: Source, head: Letterhead, pace: Pace, world: World
    ) -> None:
        self.name = name
        self.pushed = Pushed()
        self._delivery = Delivery(name, link, pace, Patience(pace, world.random), self.pushed)
        self._source = source
        self._head = head
        self._pace = pace
        self._world = world
        self._lacking = Lacking(Patience(pace, world.random))
        self._sender = world.draw_sender()  # not the server's: two targets may be one replica under two names
        self._sequence = 0  # of the push that was written last
        self._arrived = 0  # of the last that arrived
        self._greeted = False
        self._told_at = -math.inf  # when it was last sent anything, in the loop's seconds

    @property
    def waiting(self) -> int:
        """About how many rows it has yet to be sent."""
        return self._source.waiting

    @property
    def left_out(self) -> int:
        """How many tables it does not take."""
        return len(self._source.left_out)

    def stop(self) -> None:
        """Send what there is now, unless the target is failing, and end."""
        self._delivery.stop()

    async def run(self) -> None:
        """Push, interval after interval, until `stop`."""
        try:
            while not self._delivery.stopping:
                await self._delivery.wait(self._pace.interval_s)
                await self._push_all()
        except Stopping:
            log.info("ParameterSync to %s ends while it fails: what changed last did not arrive", self.name)
        finally:
            self._source.close()
            await self._delivery.close()

    async def _push_all(self) -> None:
        """Send what there is now; after everything also what changed while that was sent."""
        again = True
        while again:
            now_ms = self._world.clock_ms()
            if self._lacking.may_be_there(loop_s()):
                self._source.take_up()
            found: Round | None = await self._world.aside(self._source.next_round)
            if found is None:
                await self._say_that_nothing_changed(now_ms)
                return
            if self._greeted:
                again = await self._push_round(found, now_ms)
            else:
                await self._greet()

    async def _say_that_nothing_changed(self, now_ms: int) -> None:
        """Only now and then."""
        due = self._source.begun and loop_s() - self._told_at >= self._pace.idle_s
        if due and await self._deliver(self._without_rows(now_ms)):
            self.pushed.as_of_ms = now_ms

    async def _greet(self) -> None:
        """Before anything else, a push without rows: who knows our protocol asks for everything after it."""
        if await self._deliver(self._without_rows(0)):
            log.warning(
                "ParameterSync target %s speaks upstream's protocol only: rows that are evicted stay there",
                self.name,
            )
        self._source.send_all()
        self._greeted = True

    async def _push_round(self, found: Round, now_ms: int) -> bool:
        """Send all of it, as of `now_ms`; whether there is more to be sent at once."""
        left_out, last = len(self._source.left_out), False
        pipeline = Pipeline(found, self._writer(found, now_ms), self._delivery.push, self._delivery.is_quick)
        async with aclosing(pipeline.messages(self._arrived)) as messages:
            async for message in messages:
                if not await self._deliver(message, pipeline):
                    return len(self._source.left_out) > left_out
                last = message.last
        if not last:
            return False
        found.done()
        self.pushed.wholes += found.whole
        if not found.partial:
            self.pushed.as_of_ms = now_ms
        for table in self._lacking.found(self._source.left_out):
            log.warning("ParameterSync target %s takes table %r now", self.name, table)
        return found.whole

    def _writer(self, found: Round, now_ms: int) -> Callable[[int], Awaitable[Message]]:
        """What writes the next message of it, as of `now_ms`, after one of the number that it is told."""
        first = True

        def write(after: int) -> Message:
            nonlocal first
            (deltas, last), begins, first = found.take(), first, False
            sheet = self._sheet(
                after,
                as_of_ms=now_ms if last and not found.partial else 0,
                whole_begin=found.whole and begins,
                whole_end=found.whole and last,
                partial=found.partial and begins,
            )
            return written(self._head, sheet, deltas, first=begins, last=last)

        return lambda after: self._world.aside(write, after)

    def _without_rows(self, as_of_ms: int) -> Message:
        return written(self._head, self._sheet(self._arrived, as_of_ms=as_of_ms), [], last=True)

    def _sheet(self, after: int, **said: Any) -> Sheet:
        """Of the next push. No two ever have one number: none is taken for another that was refused."""
        self._sequence += 1
        timeout_ms, step = int(1000 * self._pace.timeout_s), self._source.latest_step()
        return Sheet(
            sender=self._sender,
            sequence=self._sequence,
            after=after,
            timeout_ms=timeout_ms,
            step=step,
            **said,
        )

    async def _deliver(self, message: Message, pipeline: Pipeline | None = None) -> bool:
        """Send a message until it arrives; whether it did, or something else has to be sent instead."""
        reply = await self._answer(message, pipeline)
        self._told_at = loop_s()
        if reply.status == PushStatus.SEND_EVERYTHING:
            self._source.send_all()
            return False
        if reply.refused and pipeline is not None:
            self._go_without(message, pipeline.round)
            return False
        self._arrived = message.sequence
        self._count(message)
        return True

    def _go_without(self, message: Message, of: Round) -> None:
        """The message was refused for tables that are left out by now: nothing of it has arrived."""
        if of.whole and not message.first:
            self._source.send_all()  # it waits for the end of what it was sent in part
        else:
            of.undo()

    async def _answer(self, message: Message, pipeline: Pipeline | None) -> Reply:
        if pipeline is not None and await pipeline.arrived_early():
            return Reply(PushStatus.OK, "")
        while (reply := await self._delivery.tried(message.body, self._judged)) is None:
            if pipeline is not None:
                pipeline.failed()
        return reply

    def _judged(self, reply: Reply) -> Reply:
        if reply.status == PushStatus.TOO_EARLY:  # what it comes after has arrived, and is not there any more
            reply = reply._replace(status=PushStatus.SEND_EVERYTHING)
        self.pushed.resends += reply.status == PushStatus.SEND_EVERYTHING
        self.pushed.refused += reply.status not in ARRIVED
        if reply.status in ARRIVED or self._leave_out(reply):
            return reply
        raise PushFailed(self.name, f"it refuses the rows: {reply.said}", lasting=True)

    def _leave_out(self, reply: Reply) -> bool:
        """Whether the push may go without some tables from now on."""
        fewer = self._source.leave_out(reply.refused)
        for table in sorted(self._lacking.missed(fewer, loop_s())):
            log.warning(
                "ParameterSync target %s does not take table %r, the others go on: %s; "
                "let it serve an export that has it so, then it is sent all of it",
                self.name,
                table,
                reply.said,
            )
        return bool(fewer)

    def _count(self, message: Message) -> None:
        self.pushed.pushes += 1
        self.pushed.rows += message.rows
        self.pushed.removed += message.removed
        self.pushed.bytes += len(message.body)
