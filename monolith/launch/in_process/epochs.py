"""Where the workers of a job in one process meet: one barrier a step, without waiting."""

from __future__ import annotations

from dataclasses import dataclass

from monolith.ps.barrier import Arrival, Barriers, Complete, Ticket


@dataclass(frozen=True, slots=True)
class Waiting:
    """Others are missing at `epoch`."""

    epoch: int
    arrived: int
    required: int


@dataclass(frozen=True, slots=True)
class Released:
    """Everyone has been at `epoch`."""

    epoch: int
    participants: int


class Epochs:
    """The barriers of a server, one for each step at which workers meet.

    A worker only moves forward, so epochs are released in order and only the last can still be asked for:
    what `Barriers` remembers of the past is enough.
    """

    def __init__(self, num_workers: int) -> None:
        self._num_workers = num_workers
        self._barriers = Barriers()
        self._tickets: dict[int, dict[int, Ticket]] = {}  # by epoch, by worker

    def arrive(self, worker: int, epoch: int) -> Waiting | Released:
        """Count a worker in; again changes nothing, and once all were there it says so."""
        # A worker comes to an epoch once, so whatever comes later is the same attempt.
        arrival = Arrival(_name(epoch), worker, self._num_workers, attempt=1)
        outcome = self._barriers.arrive(arrival)
        if isinstance(outcome, Complete):
            return Released(epoch, len(outcome.notes))
        self._tickets.setdefault(epoch, {})[worker] = outcome.ticket
        return Waiting(epoch, self._barriers.arrived(arrival.barrier), self._num_workers)

    def leave(self, worker: int, epoch: int) -> None:
        """Count a worker out, if it waits there."""
        there = self._tickets.get(epoch, {})
        if worker in there:
            self._barriers.leave(_name(epoch), there.pop(worker))
        if not there:
            self._tickets.pop(epoch, None)

    def leave_all(self, worker: int) -> None:
        for epoch in list(self._tickets):
            self.leave(worker, epoch)

    def forget_before(self, epoch: int) -> None:
        """Everyone is at `epoch` or beyond: who waits at an earlier one waits for nobody."""
        for past in [one for one in self._tickets if one < epoch]:
            for worker in list(self._tickets[past]):
                self.leave(worker, past)

    def __len__(self) -> int:
        """How many epochs someone waits at."""
        return len(self._barriers)


def _name(epoch: int) -> str:
    return f"epoch-{epoch}"
