"""A whole job on one machine: start the roles, watch them, and leave none behind.

The workers decide when the job is over; the servers serve until then. A role that ends when it should
not ends the job: its last lines are shown, the others are stopped.
"""

from __future__ import annotations

import queue
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from monolith.core.errors import RoleDied
from monolith.core.names import Role, ServiceId
from monolith.core.progress import Progress
from monolith.core.stop import SAVE_GRACE_S, Stop
from monolith.launch.events import Event, replay
from monolith.launch.process import Ended, Happening, Happenings, RoleProcess, Said, Told

LOOK_S = 0.1  # between two looks at the stop request
END_GRACE_S = 10.0  # for everyone else

CHIEF = ServiceId(Role.WORKER, 0)
Start = Callable[[ServiceId, Sequence[str], Happenings], RoleProcess]


@attrs.frozen
class Job:
    """The command line of every role, and what to say of the checkpoint to resume from."""

    roles: Mapping[ServiceId, Sequence[str]]
    resume_hint: Callable[[], str]


class Supervisor:
    """Runs one `Job` once. `start` makes a process of a role; tests pass their own."""

    def __init__(
        self,
        job: Job,
        progress: Progress,
        stop: Stop,
        *,
        start: Start = RoleProcess,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._job = job
        self._progress = progress
        self._stop = stop
        self._start = start
        self._clock = clock
        self._happenings: Happenings = queue.Queue()
        self._running: dict[ServiceId, RoleProcess] = {}
        self._result: Mapping[str, Any] = {}

    def run(self) -> Mapping[str, Any]:
        """Run the job to its end and give the chief's result.

        Raises:
            RoleDied: a role ended when it should not have; all others are gone too by then.
        """
        try:
            for role, argv in self._job.roles.items():
                self._running[role] = self._start(role, argv, self._happenings)
            self._watch_workers()
            self._end(Role.PS, END_GRACE_S)
        except BaseException:
            self._end_all()
            raise
        return self._result

    def kill(self) -> None:
        """End every role at once: the last word before the supervisor itself is gone."""
        for process in self._running.values():
            process.kill()

    def _watch_workers(self) -> None:
        told_to_stop = False
        patience = float("inf")
        while any(role.role is Role.WORKER for role in self._running):
            if self._stop.asked and not told_to_stop:
                told_to_stop, patience = True, self._clock() + SAVE_GRACE_S
                self._ask(Role.WORKER)
            if self._clock() > patience:
                raise self._stuck()
            for ended in self._handle():
                if ended.status or ended.role.role is Role.PS:
                    raise self._died(ended)

    def _handle(self) -> list[Ended]:
        """Deal with what has happened since the last look; give the roles that have ended."""
        try:
            happening = self._happenings.get(timeout=LOOK_S)
        except queue.Empty:
            return []
        return self._take(happening)

    def _take(self, happening: Happening) -> list[Ended]:
        match happening:
            case Said(role, line):
                self._progress.say(f"[{role}] {line}")
            case Told(role, event):
                self._hear(role, event)
            case Ended(role):
                self._running.pop(role).close()
                return [happening]
        return []

    def _hear(self, role: ServiceId, event: Event) -> None:
        if event.kind == "ready":
            self._progress.say(f"[{role}] ready at {event.data['address']}")
        elif event.kind == "say":
            self._progress.say(f"[{role}] {event.data['sentence']}")
        elif role == CHIEF and event.kind == "result":
            self._result = event.data
        elif role == CHIEF:
            replay(event, self._progress)

    def _stuck(self) -> RoleDied:
        names = ", ".join(str(role) for role in self._running if role.role is Role.WORKER)
        return RoleDied(
            f"{names} did not stop within {SAVE_GRACE_S:.0f} s and was ended; {self._job.resume_hint()}",
            role=names,
            status=-signal.SIGKILL,
        )

    def _died(self, ended: Ended) -> RoleDied:
        said = [f"{ended.role} {how_it_ended(ended.status)}; {self._job.resume_hint()}"]
        said += [f"  [{ended.role}] {line}" for line in ended.last_lines]
        return RoleDied("\n".join(said), role=str(ended.role), status=ended.status)

    def _ask(self, kind: Role) -> None:
        for role, process in self._running.items():
            if role.role is kind:
                process.stop()

    def _end(self, kind: Role, grace_s: float) -> None:
        """Stop the roles of one kind; those that do not within `grace_s` seconds are killed."""
        self._ask(kind)
        patience = self._clock() + grace_s
        while any(role.role is kind for role in self._running):
            if self._clock() > patience:
                self.kill()
                patience = float("inf")  # a killed process does end
            self._handle()

    def _end_all(self) -> None:
        for kind in (Role.WORKER, Role.PS):
            self._end(kind, END_GRACE_S)


def how_it_ended(status: int) -> str:
    """An exit status in words."""
    if status == 0:
        return "ended before the job was over (exit code 0)"
    if status >= 0:
        return f"ended with exit code {status}"
    return f"was ended by {signal.Signals(-status).name}"
