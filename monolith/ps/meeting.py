"""Waiting at a barrier, from a thread or from a coroutine."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, wait
from dataclasses import dataclass

from monolith.core.errors import BarrierError, BarrierTimedOut, ShardUnavailable
from monolith.ps.barrier import Arrival, Barriers, Complete, Notes, Ticket


@dataclass(frozen=True, slots=True)
class Seat:
    """One who waits: `notes` comes to hold everyone's notes, or None when there will be none."""

    arrival: Arrival
    ticket: Ticket
    notes: Future[Notes | None]


class MeetingPlace:
    """The barriers of one server, with those who wait there. Safe from many threads and loops."""

    def __init__(self, shard: int) -> None:
        self._shard = shard
        self._lock = threading.Lock()
        self._barriers = Barriers()
        self._waiting: dict[Ticket, Future[Notes | None]] = {}
        self._closed = False

    def enter(self, arrival: Arrival, timeout_ms: int) -> Seat:
        """Count a worker in. Whoever enters must wait for `notes` or `give_up` the seat.

        Raises:
            BarrierMisused: see Barriers.arrive and Arrival.check.
            ShardUnavailable: the server is stopping.
        """
        arrival.check(timeout_ms)
        with self._lock:
            if self._closed:
                raise self._stopping()
            outcome = self._barriers.arrive(arrival)
            if isinstance(outcome, Complete):
                return self._released(arrival, outcome)
            # A retry shares the future of the request that it repeats, so neither misses the release.
            shared = self._waiting.pop(outcome.instead or 0, None)
            notes = self._waiting[outcome.ticket] = shared or Future()
            return Seat(arrival, outcome.ticket, notes)

    def meet(self, arrival: Arrival, timeout_ms: int) -> Notes:
        """Block until everyone is there.

        Raises:
            BarrierTimedOut: not all came in time; this worker no longer counts as arrived.
        """
        seat = self.enter(arrival, timeout_ms)
        return self.wait(seat, timeout_ms)

    def wait(self, seat: Seat, timeout_ms: int) -> Notes:
        """Block until everyone is there, or raise as `meet`."""
        wait([seat.notes], timeout_ms / 1000)
        return self._settle(seat, timeout_ms)

    async def meet_async(self, arrival: Arrival, timeout_ms: int) -> Notes:
        """As `meet`, without blocking; who is cancelled no longer counts as arrived."""
        seat = self.enter(arrival, timeout_ms)
        try:
            await asyncio.wait([asyncio.wrap_future(seat.notes)], timeout=timeout_ms / 1000)
        except asyncio.CancelledError:
            self.give_up(seat)
            raise
        return self._settle(seat, timeout_ms)

    def give_up(self, seat: Seat) -> None:
        """Take back an arrival whose caller is gone; nothing if it was released before."""
        with self._lock:
            if seat.ticket in self._waiting:
                self._leave(seat)
                seat.notes.set_result(None)  # wakes the thread that waits for nobody

    def arrived(self, barrier: str) -> int:
        """How many wait there."""
        with self._lock:
            return self._barriers.arrived(barrier)

    def close(self) -> None:
        """Send everyone away, and let nobody in any more."""
        with self._lock:
            self._closed = True
            for notes in self._waiting.values():
                notes.set_result(None)
            self._waiting.clear()

    def _released(self, arrival: Arrival, complete: Complete) -> Seat:
        for ticket in complete.released:
            self._waiting.pop(ticket).set_result(complete.notes)
        mine: Future[Notes | None] = Future()
        mine.set_result(complete.notes)
        return Seat(arrival, 0, mine)

    def _settle(self, seat: Seat, timeout_ms: int) -> Notes:
        with self._lock:
            if not seat.notes.done():
                missing = self._barriers.missing(seat.arrival.barrier)
                self._leave(seat)
                raise BarrierTimedOut(
                    barrier=seat.arrival.barrier,
                    worker=seat.arrival.worker,
                    missing=missing,
                    expected=seat.arrival.num_workers,
                    after_ms=timeout_ms,
                )
        if (notes := seat.notes.result()) is None:
            raise self._stopping() if self._closed else _cancelled(seat.arrival)
        return notes

    def _leave(self, seat: Seat) -> None:
        self._waiting.pop(seat.ticket, None)
        self._barriers.leave(seat.arrival.barrier, seat.ticket)

    def _stopping(self) -> ShardUnavailable:
        return ShardUnavailable(f"ps-{self._shard} is stopping", shard=self._shard)


def _cancelled(arrival: Arrival) -> BarrierError:
    message = f"worker {arrival.worker} left barrier {arrival.barrier}: its call was cancelled"
    return BarrierError(message, barrier=arrival.barrier, worker=arrival.worker)
