"""What a barrier must do, as a person would write it down, with crashes, retries, late comers, timeouts."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from monolith.core.errors import BarrierMisused
from monolith.ps.barrier import Arrival, Barriers, Complete, Ticket, Waiting

BARRIERS = ("a", "b")
NO_ATTEMPT = 0


class BarrierModel(RuleBasedStateMachine):
    """`there`: who stands at which barrier, holding which ticket, having said what.

    An attempt's number is also its note, so notes that get mixed up are seen.
    """

    made_by: type[Barriers] = Barriers

    def __init__(self) -> None:
        super().__init__()
        self.barriers = self.made_by()
        self.there: dict[str, dict[int, tuple[Ticket, Arrival]]] = {barrier: {} for barrier in BARRIERS}
        self.rounds: dict[str, list[Arrival]] = {barrier: [] for barrier in BARRIERS}  # the last one of each
        self.done: list[tuple[str, Ticket]] = []  # tickets that count no longer
        self.attempts = 0

    @initialize(n=st.integers(1, 4))
    def begins(self, n: int) -> None:
        self.n = n

    @rule(data=st.data(), barrier=st.sampled_from(BARRIERS), tells_attempt=st.booleans())
    def arrives(self, data: st.DataObject, barrier: str, tells_attempt: bool) -> None:
        """For the first time, late after a round, or anew after a crash that the server may not know of."""
        worker = data.draw(st.integers(0, self.n - 1))
        self.attempts += 1
        note = str(self.attempts).encode()
        attempt = self.attempts if tells_attempt else NO_ATTEMPT
        arrival = Arrival(barrier, worker, self.n, note, attempt)
        if worker in self.there[barrier]:
            self.refused(arrival, "already arrived")
        elif len(self.there[barrier]) < self.n - 1:
            self.waits(arrival, instead=None)
        else:
            self.completes(arrival)

    def waits(self, arrival: Arrival, instead: Ticket | None) -> None:
        outcome = self.barriers.arrive(arrival)
        assert isinstance(outcome, Waiting), "released before all are there"
        assert outcome.instead == instead
        assert all(outcome.ticket != ticket for _, ticket in [*self.done, *self.tickets()])
        self.there[arrival.barrier][arrival.worker] = (outcome.ticket, arrival)

    def completes(self, arrival: Arrival) -> None:
        there = self.there[arrival.barrier]
        outcome = self.barriers.arrive(arrival)
        everyone = [*(a for _, a in there.values()), arrival]
        assert isinstance(outcome, Complete)
        assert outcome.notes == self.notes(everyone)
        assert sorted(outcome.released) == sorted(ticket for ticket, _ in there.values())
        self.rounds[arrival.barrier] = everyone
        self.done += [(arrival.barrier, ticket) for ticket in outcome.released]
        there.clear()

    @precondition(lambda self: self.tickets())
    @rule(data=st.data())
    def sends_again(self, data: st.DataObject) -> None:
        barrier, ticket = data.draw(st.sampled_from(self.tickets()))
        arrival = self.holder(barrier, ticket)
        if arrival.attempt == NO_ATTEMPT:
            self.refused(arrival, "already arrived")
        else:
            self.waits(arrival, instead=ticket)
            self.done.append((barrier, ticket))

    @precondition(lambda self: self.answered())
    @rule(data=st.data())
    def asks_for_a_lost_reply(self, data: st.DataObject) -> None:
        arrival = data.draw(st.sampled_from(self.answered()))
        assert self.barriers.arrive(arrival) == Complete(self.notes(self.rounds[arrival.barrier]))

    @precondition(lambda self: self.tickets())
    @rule(data=st.data())
    def gives_up(self, data: st.DataObject) -> None:
        """A timeout, a cancelled call, and a crash that the server notices are all this."""
        barrier, ticket = data.draw(st.sampled_from(self.tickets()))
        self.barriers.leave(barrier, ticket)
        del self.there[barrier][self.holder(barrier, ticket).worker]
        self.done.append((barrier, ticket))

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def leaves_too_late(self, data: st.DataObject) -> None:
        self.barriers.leave(*data.draw(st.sampled_from(self.done)))

    @precondition(lambda self: self.tickets())
    @rule(data=st.data(), off=st.sampled_from([-1, 1]))
    def expects_others(self, data: st.DataObject, off: int) -> None:
        barrier, _ = data.draw(st.sampled_from(self.tickets()))
        stranger = Arrival(barrier, 0, self.n + off)
        self.refused(stranger, f"Barrier {barrier} expects num_workers={self.n}, got {self.n + off}")

    @invariant()
    def knows_who_waits(self) -> None:
        for barrier, there in self.there.items():
            assert self.barriers.arrived(barrier) == len(there)
            missing = [worker for worker in range(self.n) if worker not in there] if there else []
            assert self.barriers.missing(barrier) == missing

    @invariant()
    def keeps_no_empty_barrier(self) -> None:
        assert len(self.barriers) == sum(1 for there in self.there.values() if there)

    def refused(self, arrival: Arrival, said: str) -> None:
        with pytest.raises(BarrierMisused, match=said):
            self.barriers.arrive(arrival)

    def tickets(self) -> list[tuple[str, Ticket]]:
        return [(barrier, ticket) for barrier, there in self.there.items() for ticket, _ in there.values()]

    def holder(self, barrier: str, ticket: Ticket) -> Arrival:
        return next(arrival for held, arrival in self.there[barrier].values() if held == ticket)

    def answered(self) -> list[Arrival]:
        """Arrivals of the last rounds whose worker may not have heard the answer, and can ask again."""
        return [arrival for last in self.rounds.values() for arrival in last if arrival.attempt]

    @staticmethod
    def notes(everyone: list[Arrival]) -> tuple[bytes, ...]:
        return tuple(arrival.note for arrival in sorted(everyone, key=lambda arrival: arrival.worker))
