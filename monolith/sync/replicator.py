"""Keeps serving up to date while training goes on: rows that change are pushed to every target."""

from __future__ import annotations

import asyncio
import logging
import random
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from monolith.config.sync_target import SyncTarget
from monolith.core.endpoint import Endpoint
from monolith.sync.link import GrpcLink, Link
from monolith.sync.message import Letterhead
from monolith.sync.patience import Pace
from monolith.sync.pushed import Pushed
from monolith.sync.source import Source, Tables
from monolith.sync.target import Target
from monolith.sync.world import World

STOP_WITHIN_S = 0.2
log = logging.getLogger(__name__)


def unix_ms() -> int:
    return time.time_ns() // 1_000_000


class _Running(NamedTuple):
    wanted: SyncTarget
    target: Target
    task: asyncio.Task[None]


class Replicator:
    """Pushes what changes in `tables` to `targets`, each at its own pace; on an event loop, after `start`.

    Args:
        tables: gives the tables there are, by name.
        targets: whom to push to from the start.
        head: which server pushes. Every target is pushed to by a sender of its own.
        pace: how often, unless a target has an interval of its own, and how patiently.
        world: clock, random numbers, and where to do what blocks.
        connect: a way to an endpoint.
    """

    def __init__(
        self,
        tables: Tables,
        targets: Sequence[SyncTarget],
        head: Letterhead,
        *,
        pace: Pace = Pace(),
        world: World = World(clock_ms=unix_ms, random=random.random),
        connect: Callable[[Endpoint], Link] = GrpcLink,
    ) -> None:
        self._tables = tables
        self._wanted = targets
        self._head, self._pace, self._world = head, pace, world
        self._connect = connect
        self._running: dict[Endpoint, _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # those of `_running`, and of who is on its way out
        self._abandoned: Callable[[], object] = lambda: None

    def start(self) -> None:
        """Begin; whoever forgets to `stop`, and lets go of this, ends it too."""
        for wanted in self._wanted:
            self.add(wanted)
        self._abandoned = weakref.finalize(self, _abort, asyncio.get_running_loop(), self._tasks).detach

    def add(self, wanted: SyncTarget) -> bool:
        """Push to this one too, beginning with everything; False if it is known already.

        One that is known, and that a bug put an end to, is begun anew, as it was wanted first.
        """
        before = self._running.get(wanted.endpoint)
        if before is None:
            self._begin(wanted)
        elif _bug_in(before.task):
            log.warning("ParameterSync: %s begins anew, with everything", before.task.get_name())
            self._tasks.discard(before.task)
            self._begin(before.wanted)
        return before is None

    def drop(self, endpoint: Endpoint) -> None:
        """Push to this one no more, at once, and keep nothing for it."""
        gone = self._running.pop(endpoint)
        gone.task.cancel()
        gone.task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Let each target that is well have what changed last, but wait for no more than a moment.

        A second time, or unstarted, is fine.
        """
        self._abandoned()
        for running in self._running.values():
            running.target.stop()
        tasks, self._tasks = self._tasks, set()
        if not tasks:
            return
        done, stuck = await asyncio.wait(tasks, timeout=STOP_WITHIN_S)
        for task in stuck:
            task.cancel()
            log.warning(
                "ParameterSync replicator task did not stop promptly; forced abort (%s)", task.get_name()
            )
        for task in done:
            if not task.cancelled():
                task.result()

    @property
    def targets(self) -> tuple[Target, ...]:
        """Those that are pushed to now. From any thread."""
        return tuple(one.target for one in tuple(self._running.values()) if not _bug_in(one.task))

    def pushed(self) -> Mapping[str, Pushed]:
        """What each target was sent so far."""
        return {target.name: target.pushed for target in self.targets}

    def _begin(self, wanted: SyncTarget) -> None:
        source, name, pace = Source(self._tables), str(wanted), self._pace.every_ms(wanted.interval_ms)
        target = Target(name, self._connect(wanted.endpoint), source, self._head, pace, self._world)
        task = asyncio.create_task(target.run(), name=f"push to {name}")
        task.add_done_callback(_told)
        self._running[wanted.endpoint] = _Running(wanted, target, task)
        self._tasks.add(task)


def _bug_in(task: asyncio.Task[None]) -> BaseException | None:
    """What put an end to it that nobody asked for."""
    return task.exception() if task.done() and not task.cancelled() else None


def _told(task: asyncio.Task[None]) -> None:
    if error := _bug_in(task):
        log.error("ParameterSync: %s ended: %r", task.get_name(), error)


def _abort(loop: asyncio.AbstractEventLoop, tasks: set[asyncio.Task[None]]) -> None:
    if not loop.is_closed():
        for task in tuple(tasks):
            loop.call_soon_threadsafe(task.cancel)
