"""Who has arrived at which barrier. Pure: no clock, no lock, no waiting.

A barrier is used round after round under one id, or once under an id of its own. Of a round that is
complete only its notes are kept, for a while, so that the answer can be given again to whoever lost it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import count

from monolith.config.rules import LONGEST_MS
from monolith.core.errors import BarrierMisused

REMEMBERED = 64  # complete rounds whose notes are kept for retries

Ticket = int  # names one arrival that waits
Notes = tuple[bytes, ...]  # one per worker, by index


@dataclass(frozen=True, slots=True)
class Arrival:
    """A worker at a barrier, with a note for the others.

    `attempt` is the same in all retries of one arrival and differs between arrivals; 0 says nothing about it.
    """

    barrier: str
    worker: int
    num_workers: int
    note: bytes = b""
    attempt: int = 0

    def check(self, timeout_ms: int) -> None:
        """Judge the arrival by itself.

        Raises:
            BarrierMisused: no workers, a worker that is not one of them, or a timeout out of range.
        """
        n, worker = self.num_workers, self.worker
        if n <= 0:
            raise self.misused("num_workers must be > 0")
        if not 0 <= worker < n:
            raise self.misused(f"worker_id {worker} out of range for num_workers={n}")
        if not 0 <= timeout_ms <= LONGEST_MS:
            raise self.misused(f"timeout_ms must be in 0..{LONGEST_MS}, got {timeout_ms}")

    def misused(self, message: str) -> BarrierMisused:
        return BarrierMisused(message, barrier=self.barrier, worker=self.worker)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Others are missing. `instead` is the ticket that a retry of the same arrival held until now."""

    ticket: Ticket
    instead: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Complete:
    """Everyone is there; `released` are the tickets that need wait no longer."""

    notes: Notes
    released: tuple[Ticket, ...] = ()


@dataclass(slots=True)
class _Round:
    num_workers: int
    there: dict[int, tuple[Ticket, Arrival]] = field(default_factory=dict)  # by worker


class Barriers:
    """Every barrier of one server. An id takes up room only while someone waits there."""

    def __init__(self) -> None:
        self._rounds: dict[str, _Round] = {}
        self._past: OrderedDict[str, dict[int, tuple[int, Notes]]] = OrderedDict()
        self._tickets = count(1)

    def arrive(self, arrival: Arrival) -> Waiting | Complete:
        """Count a worker in.

        Raises:
            BarrierMisused: the worker is there already, or expects another number of workers.
        """
        if notes := self._remembered(arrival):
            return Complete(notes)
        now = self._rounds.get(arrival.barrier) or _Round(arrival.num_workers)
        instead = self._same(now, arrival)
        ticket = next(self._tickets)
        now.there[arrival.worker] = (ticket, arrival)
        self._rounds[arrival.barrier] = now
        if len(now.there) == now.num_workers:
            return self._complete(arrival.barrier, ticket)
        return Waiting(ticket, instead)

    def leave(self, barrier: str, ticket: Ticket) -> None:
        """Count the holder of `ticket` out, if it still counts."""
        now = self._rounds.get(barrier)
        if now is None:
            return
        now.there = {worker: held for worker, held in now.there.items() if held[0] != ticket}
        if not now.there:
            del self._rounds[barrier]

    def missing(self, barrier: str) -> list[int]:
        """The workers for whom those who wait there wait."""
        now = self._rounds.get(barrier)
        return [worker for worker in range(now.num_workers) if worker not in now.there] if now else []

    def arrived(self, barrier: str) -> int:
        """How many wait there."""
        return len(now.there) if (now := self._rounds.get(barrier)) else 0

    def __len__(self) -> int:
        return len(self._rounds)

    def _same(self, now: _Round, arrival: Arrival) -> Ticket | None:
        if now.num_workers != arrival.num_workers:
            raise arrival.misused(
                f"Barrier {arrival.barrier} expects num_workers={now.num_workers}, got {arrival.num_workers}"
            )
        if arrival.worker not in now.there:
            return None
        ticket, before = now.there[arrival.worker]
        if not arrival.attempt or arrival.attempt != before.attempt:
            raise arrival.misused(f"Worker {arrival.worker} already arrived for barrier {arrival.barrier}")
        return ticket

    def _complete(self, barrier: str, last: Ticket) -> Complete:
        there = self._rounds.pop(barrier).there
        notes = tuple(there[worker][1].note for worker in sorted(there))
        self._past[barrier] = {w: (arrival.attempt, notes) for w, (_, arrival) in there.items()}
        self._past.move_to_end(barrier)
        while len(self._past) > REMEMBERED:
            self._past.popitem(last=False)
        return Complete(notes, tuple(ticket for ticket, _ in there.values() if ticket != last))

    def _remembered(self, arrival: Arrival) -> Notes | None:
        attempt, notes = self._past.get(arrival.barrier, {}).get(arrival.worker, (0, ()))
        return notes if attempt and attempt == arrival.attempt else None
