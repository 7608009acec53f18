"""The barrier against a model of it, under crashes, retries, late comers and timeouts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from monolith.core.errors import BarrierMisused
from monolith.ps.barrier import REMEMBERED, Arrival, Barriers, Complete, Waiting

BARRIERS = st.sampled_from(["a", "b"])
WORKERS = st.integers(0, 2)
N = 3


class BarrierModel(RuleBasedStateMachine):
    """`there` is what a person would write down: who stands at which barrier, holding which ticket."""

    def __init__(self) -> None:
        super().__init__()
        self.barriers = Barriers()
        self.there: dict[str, dict[int, tuple[int, Arrival]]] = {}
        self.past: list[tuple[Arrival, tuple[bytes, ...]]] = []
        self.stale: list[tuple[str, int]] = []
        self.attempts = 0

    @rule(barrier=BARRIERS, worker=WORKERS, tells_attempt=st.booleans())
    def arrives(self, barrier: str, worker: int, tells_attempt: bool) -> None:
        self.attempts += 1
        arrival = Arrival(barrier, worker, N, f"{self.attempts}".encode(), self.attempts * tells_attempt)
        there = self.there.setdefault(barrier, {})
        if worker in there:
            with pytest.raises(BarrierMisused, match="already arrived"):
                self.barriers.arrive(arrival)
        elif len(there) < N - 1:
            outcome = self.barriers.arrive(arrival)
            assert isinstance(outcome, Waiting)
            assert outcome.instead is None
            there[worker] = (outcome.ticket, arrival)
        else:
            self.completes(arrival, there)

    def completes(self, arrival: Arrival, there: dict[int, tuple[int, Arrival]]) -> None:
        outcome = self.barriers.arrive(arrival)
        everyone = {w: a for w, (_, a) in there.items()} | {arrival.worker: arrival}
        notes = tuple(everyone[w].note for w in range(N))
        assert outcome == Complete(notes, outcome.released)
        assert sorted(outcome.released) == sorted(ticket for ticket, _ in there.values())
        # Only the latest round of a barrier can be asked for again.
        self.past = [(a, n) for a, n in self.past if a.barrier != arrival.barrier]
        self.past += [(a, notes) for a in everyone.values()]
        self.stale += [(arrival.barrier, ticket) for ticket, _ in there.values()]
        there.clear()

    @precondition(lambda self: any(self.there.values()))
    @rule(data=st.data())
    def sends_again(self, data: st.DataObject) -> None:
        barrier = data.draw(st.sampled_from([b for b, there in self.there.items() if there]))
        worker = data.draw(st.sampled_from(sorted(self.there[barrier])))
        ticket, arrival = self.there[barrier][worker]
        if not arrival.attempt:
            with pytest.raises(BarrierMisused):
                self.barriers.arrive(arrival)
            return
        outcome = self.barriers.arrive(arrival)
        assert isinstance(outcome, Waiting)
        assert outcome.instead == ticket
        self.stale.append((barrier, ticket))
        self.there[barrier][worker] = (outcome.ticket, arrival)

    @precondition(lambda self: any(a.attempt for a, _ in self.past))
    @rule(data=st.data())
    def asks_for_a_lost_reply(self, data: st.DataObject) -> None:
        arrival, notes = data.draw(st.sampled_from([(a, n) for a, n in self.past if a.attempt]))
        assert self.barriers.arrive(arrival) == Complete(notes)

    @precondition(lambda self: any(self.there.values()))
    @rule(data=st.data())
    def gives_up(self, data: st.DataObject) -> None:
        """A crash, a cancelled call and a timeout are all this."""
        barrier = data.draw(st.sampled_from([b for b, there in self.there.items() if there]))
        worker = data.draw(st.sampled_from(sorted(self.there[barrier])))
        ticket, _ = self.there[barrier][worker]
        self.barriers.leave(barrier, ticket)
        del self.there[barrier][worker]
        self.stale.append((barrier, ticket))

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def leaves_too_late(self, data: st.DataObject) -> None:
        self.barriers.leave(*data.draw(st.sampled_from(self.stale)))

    @rule(barrier=BARRIERS, worker=WORKERS)
    def expects_others(self, barrier: str, worker: int) -> None:
        if self.there.get(barrier):
            with pytest.raises(BarrierMisused, match=f"expects num_workers={N}, got {N + 1}"):
                self.barriers.arrive(Arrival(barrier, worker, N + 1))

    @invariant()
    def knows_who_waits(self) -> None:
        for barrier, there in self.there.items():
            assert self.barriers.arrived(barrier) == len(there)
            missing = [worker for worker in range(N) if worker not in there]
            assert self.barriers.missing(barrier) == (missing if there else [])

    @invariant()
    def keeps_no_empty_barrier(self) -> None:
        assert len(self.barriers) == sum(1 for there in self.there.values() if there)


TestBarrierModel = BarrierModel.TestCase


@pytest.mark.parametrize(
    ("worker", "num_workers", "timeout_ms", "said"),
    [
        (0, 0, 1, "num_workers must be > 0"),
        (-1, 2, 1, "worker_id -1 out of range for num_workers=2"),
        (2, 2, 1, "worker_id 2 out of range for num_workers=2"),
        (0, 2, -1, r"timeout_ms must be in 0\.\.86400000, got -1"),
        (0, 2, 2**62, "got 4611686018427387904"),
    ],
)
def test_impossible_arrivals(worker: int, num_workers: int, timeout_ms: int, said: str) -> None:
    with pytest.raises(BarrierMisused, match=said) as caught:
        Arrival("b", worker, num_workers).check(timeout_ms)
    assert (caught.value.barrier, caught.value.worker) == ("b", worker)


def test_old_rounds_are_forgotten() -> None:
    barriers = Barriers()
    first = Arrival("round-0", 0, 1, b"note", attempt=1)
    for number in range(REMEMBERED + 1):
        barriers.arrive(replace(first, barrier=f"round-{number}"))
    again = barriers.arrive(replace(first, note=b"new"))
    assert again == Complete((b"new",))
    assert len(barriers) == 0
