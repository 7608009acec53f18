"""The barrier of each step against a model of it, under retries, late comers, timeouts and restarts."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from monolith.core.errors import EpochTimedOut
from monolith.launch.in_process.epochs import Released, Waiting
from tests.unit.launch.in_process.conftest import Clock, make

WORKER = st.integers(0, 2)
N = 3


class EpochModel(RuleBasedStateMachine):
    """`there` is what a person would write down: who waits at which epoch; `released`: which are over."""

    @initialize()
    def begins(self) -> None:
        self.clock = Clock()
        self.cluster = make(num_ps=1, num_workers=N, clock=self.clock)
        self.cluster.start()
        self.steps = [0] * N
        self.there: dict[int, set[int]] = {}
        self.released: set[int] = set()

    def arrives(self, worker: int) -> Waiting | Released:
        epoch = self.steps[worker]
        self.there = {at: who for at, who in self.there.items() if at >= min(self.steps)}
        if epoch in self.released:
            return Released(epoch, N)
        there = self.there.setdefault(epoch, set())
        there.add(worker)
        if len(there) < N:
            return Waiting(epoch, len(there), N)
        del self.there[epoch]
        self.released.add(epoch)
        return Released(epoch, N)

    def leaves(self, worker: int, epoch: int) -> None:
        self.there[epoch].discard(worker)

    @rule(worker=WORKER)
    def steps_on(self, worker: int) -> None:
        self.cluster.workers[worker].step()
        self.steps[worker] += 1

    @rule(worker=WORKER)
    def looks(self, worker: int) -> None:
        assert self.cluster.sync_barrier(worker) == self.arrives(worker)

    @rule(worker=WORKER, timeout_ms=st.integers(0, 50), poll_ms=st.integers(1, 20))
    def waits_in_vain_or_is_released(self, worker: int, timeout_ms: int, poll_ms: int) -> None:
        began, expected = self.clock.now, self.arrives(worker)
        if isinstance(expected, Released):
            assert self.cluster.wait_for_barrier(worker, timeout_ms, poll_ms) == expected
            return
        with pytest.raises(EpochTimedOut) as caught:
            self.cluster.wait_for_barrier(worker, timeout_ms, poll_ms)
        assert (caught.value.epoch, caught.value.after_ms) == (expected.epoch, timeout_ms)
        assert self.clock.now - began == pytest.approx(timeout_ms / 1000)
        self.leaves(worker, expected.epoch)

    @rule(worker=WORKER, others=st.lists(WORKER, max_size=4))
    def waits_while_others_come(self, worker: int, others: list[int]) -> None:
        coming, said = iter(others), [self.arrives(worker)]

        def meanwhile() -> None:
            for other in coming:
                self.cluster.sync_barrier(other)
                self.arrives(other)
                break
            said.append(self.arrives(worker))

        self.clock.meanwhile = meanwhile
        try:
            assert self.cluster.wait_for_barrier(worker, 40, 10) == said[-1]
        except EpochTimedOut:
            assert isinstance(said[-1], Waiting)
            self.leaves(worker, said[-1].epoch)
        finally:
            self.clock.meanwhile = lambda: None

    @rule()
    def restarts(self) -> None:
        self.cluster.stop()
        self.cluster.start()
        self.there, self.released = {}, set()

    @invariant()
    def keeps_steps(self) -> None:
        assert [self.cluster.worker_step(worker) for worker in range(N)] == self.steps

    @invariant()
    def keeps_no_one_who_waits_for_nobody(self) -> None:
        assert len(self.cluster._epochs) == sum(1 for who in self.there.values() if who)


TestEpochModel = EpochModel.TestCase
TestEpochModel.settings = settings(max_examples=50)
