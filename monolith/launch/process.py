"""One role as a child process: its output, its events, its end, all as happenings in one queue."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence

import attrs

from monolith.core.names import ServiceId
from monolith.launch.events import Event, read_events

LAST_LINES = 20  # of a role's output are kept to be shown when it dies


@attrs.frozen
class Said:
    """A line of a role's output."""

    role: ServiceId
    line: str


@attrs.frozen
class Told:
    """An event of a role."""

    role: ServiceId
    event: Event


@attrs.frozen
class Ended:
    """A role's process is gone: `status` is its exit code, negative for a signal."""

    role: ServiceId
    status: int
    last_lines: tuple[str, ...] = ()


Happening = Said | Told | Ended
Happenings = queue.Queue[Happening]


class RoleProcess:
    """A child in a session of its own, so that Ctrl-C reaches its supervisor alone.

    Its standard input is a lifeline: it closes when the supervisor is gone, however that came about.
    """

    def __init__(self, role: ServiceId, argv: Sequence[str], happenings: Happenings) -> None:
        self.role = role
        self._happenings = happenings
        events, events_in = os.pipe()
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "monolith", *argv, f"--events-fd={events_in}", "--lifeline"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[events_in],
                start_new_session=True,
                text=True,
                errors="replace",
            )
        except OSError:
            os.close(events)
            raise
        finally:
            os.close(events_in)
        self._threads: list[threading.Thread] = []
        for target, args in ((self._hear, (events,)), (self._watch, ())):
            thread = threading.Thread(target=target, args=args, name=f"watch {role}", daemon=True)
            self._threads.append(thread)
            thread.start()

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    def stop(self) -> None:
        """Ask it to stop cleanly, by its lifeline: a signal would end a role that is still starting."""
        if self._child.stdin:
            self._child.stdin.close()

    def kill(self) -> None:
        """End it at once."""
        if self.alive:
            self._child.kill()

    def close(self) -> None:
        """Let go of a process that has ended."""
        for thread in self._threads:
            thread.join()
        self.stop()
        if self._child.stdout:
            self._child.stdout.close()

    def _hear(self, descriptor: int) -> None:
        for event in read_events(descriptor):
            self._happenings.put(Told(self.role, event))

    def _watch(self) -> None:
        last: deque[str] = deque(maxlen=LAST_LINES)
        for line in self._child.stdout or ():
            last.append(line.rstrip())
            self._happenings.put(Said(self.role, line.rstrip()))
        status = self._child.wait()
        self._threads[0].join()  # what it told before its end comes before its end
        self._happenings.put(Ended(self.role, status, tuple(last)))
