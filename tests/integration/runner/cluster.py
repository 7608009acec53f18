"""Two parameter servers and two workers, brought to where a case begins, and let go."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from monolith.core.failpoint import VARIABLE, Point
from monolith.core.names import Role, ServiceId
from monolith.ps.server import CLOSING_S
from tests.integration.runner.cases import MET, SERVERS, WORKERS, Case, Harm, Step
from tests.integration.runner.forked import Forked, Over

BUDGET_MS = 300  # of each operation, of each cleanup, and of the barrier
LOOKS, BACKOFF_MS = 3, 100
ATTEMPTS = 5
PATIENT_MS = 60_000  # of who must stand still until it comes to harm
SIGNALS = {Harm.KILLED: signal.SIGKILL, Harm.STOPPED: signal.SIGSTOP, Harm.TERMINATED: signal.SIGTERM}

# What a process may still take from where it stands to its end.
_LEAVE = 3 * BUDGET_MS  # close connections, deregister, disconnect
_MEET = 2 * BUDGET_MS + _LEAVE  # a server's word on who is missing, or none
_GREET = BUDGET_MS + _MEET
_LOOK = LOOKS * BUDGET_MS + (LOOKS - 1) * BACKOFF_MS + _GREET
PROMISED_MS = {Step.DISCOVER: _LOOK, Step.PS_CONNECT: _GREET, Step.BARRIER: _MEET, Step.TRAINING: _LEAVE}
SERVER_PROMISED_MS = 1000 * CLOSING_S + 2 * BUDGET_MS


class End(NamedTuple):
    """How a process ended, and after what part of the time it had promised to take at most."""

    status: int
    sentence: str | None
    spent: float


class Cluster:
    """Processes that meet in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._root = self._folder = folder
        self._everyone: dict[ServiceId, Forked] = {}

    def __getitem__(self, one: ServiceId) -> Forked:
        return self._everyone[one]

    def bring_to(self, case: Case, attempt: int = 1) -> None:
        """Have the victim stand at its step, and the other workers at theirs.

        On a busy machine the others may spend their small budgets on the way; then all begin anew.
        """
        self._folder = self._root / f"attempt-{attempt}"
        self._folder.mkdir()
        try:
            self._bring_to(case)
        except Over:
            if attempt == ATTEMPTS:
                raise
            self.clear()
            self.bring_to(case, attempt + 1)

    def clear(self) -> None:
        """End every process."""
        for process in self._everyone.values():
            process.clear()

    def harm(self, case: Case) -> None:
        """Do to the victim what is to be done; one that is terminated has ended then."""
        victim = self[case.victim]
        victim.signal(SIGNALS[case.harm])
        if case.harm is Harm.TERMINATED:
            if case.step in MET:  # what no request to stop cuts short
                self._gate(case.victim).touch()
            victim.status(PATIENT_MS / 1000)

    def let_go(self, workers: Iterable[ServiceId], at: Step) -> dict[ServiceId, End]:
        """Have them do their step, and see them end; fail if that takes twice what they promise."""
        for one in workers:
            self._gate(one).touch()
        return self._ends(workers, PROMISED_MS[at])

    def terminate(self, servers: Iterable[ServiceId]) -> dict[ServiceId, End]:
        """The same for servers, which end when they are asked to."""
        for one in servers:
            self[one].signal(signal.SIGTERM)
        return self._ends(servers, SERVER_PROMISED_MS)

    def address(self, server: ServiceId) -> str:
        """Where it said that it listens."""
        return self[server].said.partition("listens at ")[2].partition("\n")[0]

    def registered(self) -> set[str]:
        """Everyone who can be found."""
        return {f"{file.parent.name}-{file.name}" for file in (self._folder / "meet").glob("*/*")}

    def _bring_to(self, case: Case) -> None:
        for one in case.servers:
            self._start(one)
        for one in case.servers:
            self[one].until_it_says("listens at")
        self._start(case.victim, case.step, operations_ms=PATIENT_MS, barrier_ms=PATIENT_MS)
        if case.victim.role is Role.PS or case.step not in MET:
            self._await_victim(case)
        for one in case.workers:
            # The barrier is no matter of those that are past it.
            self._start(one, case.others_at, barrier_ms=PATIENT_MS if case.others_at in MET else BUDGET_MS)
        for one in case.workers:
            self[one].until_it_says(f"{_point(case.others_at)} reached")
        if case.victim.role is Role.WORKER:
            self._await_victim(case)

    def _await_victim(self, case: Case) -> None:
        victim = self[case.victim]
        if case.victim.role is Role.PS and (case.step is Step.SERVING or case.step in MET):
            victim.until_it_says("listens at")
        if case.victim.role is Role.PS and case.step in MET:  # a server leaves only if it is told to
            victim.signal(signal.SIGTERM)
        if case.step is not Step.SERVING:
            victim.until_it_says(f"{_point(case.step)} reached")

    def _start(
        self,
        me: ServiceId,
        hold_at: Step | None = None,
        *,
        operations_ms: int = BUDGET_MS,
        barrier_ms: int = BUDGET_MS,
    ) -> None:
        settings = {
            "num-ps": len(SERVERS),
            "num-workers-cluster": len(WORKERS),
            "discovery-path": self._folder / "meet",
            "discovery-operation-timeout-ms": operations_ms,
            "discovery-cleanup-timeout-ms": operations_ms,
            "barrier-timeout-ms": barrier_ms,
            "connect-retries": LOOKS - 1,
            "retry-backoff-ms": BACKOFF_MS,
        }
        flags = [f"--{name}={value}" for name, value in settings.items()]
        environ = {}
        if hold_at and hold_at is not Step.SERVING:
            environ[VARIABLE] = f"{_point(hold_at)}=hold:{self._gate(me)}"
        self._everyone[me] = Forked(me, self._folder, flags, environ)

    def _ends(self, processes: Iterable[ServiceId], promised_ms: float) -> dict[ServiceId, End]:
        began, ends = time.monotonic(), {}
        for one in processes:
            status = self[one].status(began + 2 * promised_ms / 1000 - time.monotonic())
            ends[one] = End(status, self[one].sentence, 1000 * (time.monotonic() - began) / promised_ms)
        return ends

    def _gate(self, one: ServiceId) -> Path:
        return self._folder / f"{one} goes on"


def _point(step: Step) -> Point:
    return Point[step.name]
