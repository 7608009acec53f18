"""The barrier against a model of it, the model against barriers that are wrong, and what neither covers."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from monolith.core.errors import BarrierMisused
from monolith.ps import barrier
from monolith.ps.barrier import REMEMBERED, Arrival, Barriers, Complete
from tests.unit.ps.barrier_model import BarrierModel

# Each says something right in `Barriers`, and something wrong to stand in its place.
MUTANTS = {
    "one_short": ("len(now.there) == now.num_workers", "len(now.there) >= now.num_workers - 1"),
    "never_complete": ("len(now.there) == now.num_workers", "len(now.there) > now.num_workers"),
    "the_gone_still_count": ("if held[0] != ticket", "if True"),
    "one_goes_all_go": ("if held[0] != ticket", "if False"),
    "stale_tickets_count": ("if held[0] != ticket", "if held[0] < ticket"),
    "empty_ids_stay": ("if not now.there:", "if False:"),
    "twice_is_fine": ("not arrival.attempt or arrival.attempt != before.attempt", "False"),
    "retries_are_refused": ("not arrival.attempt or arrival.attempt != before.attempt", "True"),
    "retries_lose_a_ticket": ("        return ticket\n", "        return None\n"),
    "tickets_repeat": ("next(self._tickets)", "len(now.there)"),
    "released_twice": ("if ticket != last", "if True"),
    "one_sleeps_on": ("if ticket != last)", "if ticket != last)[1:]"),
    "rounds_run_together": ("self._rounds.pop(barrier).there", "self._rounds[barrier].there"),
    "ids_run_together": ("self._rounds.get(arrival.barrier)", "next(iter(self._rounds.values()), None)"),
    "notes_as_they_came": ("in sorted(there)", "in there"),
    "old_notes_for_the_new": ("attempt and attempt == arrival.attempt", "attempt"),
    "old_notes_for_anyone": ("attempt and attempt == arrival.attempt", "attempt == arrival.attempt"),
    "other_counts_are_fine": ("now.num_workers != arrival.num_workers", "False"),
    "waits_for_those_there": ("if worker not in now.there", "if worker in now.there"),
}
# The first failure will do: nobody reads it, so it need not be made small.
QUICKLY = settings(derandomize=True, database=None, phases=[Phase.generate], max_examples=200)

TestBarrierModel = BarrierModel.TestCase


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_model_finds(mutant: str) -> None:
    right, wrong = MUTANTS[mutant]
    source = inspect.getsource(Barriers)
    assert source.count(right) == 1
    names = dict(vars(barrier))
    exec(source.replace(right, wrong), names)
    bitten = type(mutant, (BarrierModel,), {"made_by": names["Barriers"]})
    with pytest.raises((AssertionError, pytest.fail.Exception, BarrierMisused, LookupError)):
        run_state_machine_as_test(bitten, settings=QUICKLY)


@pytest.mark.parametrize(
    ("worker", "num_workers", "timeout_ms", "problem"),
    [
        (0, 0, 1, "num_workers must be > 0"),
        (-1, 2, 1, "worker_id -1 out of range for num_workers=2"),
        (2, 2, 1, "worker_id 2 out of range for num_workers=2"),
        (0, 2, -1, "timeout_ms must be in 0..86400000, got -1"),
        (0, 2, 2**62, "timeout_ms must be in 0..86400000, got 4611686018427387904"),
    ],
)
def test_impossible_arrivals(worker: int, num_workers: int, timeout_ms: int, problem: str) -> None:
    with pytest.raises(BarrierMisused) as caught:
        Arrival("b", worker, num_workers).check(timeout_ms)
    assert vars(caught.value).items() >= {"barrier": "b", "worker": worker, "problem": problem}.items()
    assert str(caught.value) == f"Invalid configuration: {problem}"


def test_old_rounds_are_forgotten() -> None:
    barriers = Barriers()
    first = Arrival("round-0", 0, 1, b"note", attempt=1)
    for number in range(REMEMBERED + 1):
        barriers.arrive(replace(first, barrier=f"round-{number}"))
    again = barriers.arrive(replace(first, note=b"new"))
    assert again == Complete((b"new",))
    assert len(barriers) == 0
