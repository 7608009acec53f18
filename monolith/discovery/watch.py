"""Who comes, who changes, who goes: one loop a service type, for all who read about it.

A reader that is slow gets, when it asks again, the difference between what it was told and what is there now:
nothing piles up, and nothing is lost but what was undone meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import attrs

from monolith.core.errors import ConfigError, DiscoveryClosed, DiscoveryMisconfigured

if TYPE_CHECKING:
    from monolith.discovery.base import Discovery, ServiceInfo

POLL_S = 1.0  # between two looks at a backend that does not tell of changes itself
STOP_WITHIN_S = 0.1
log = logging.getLogger(__name__)


@attrs.frozen
class Added:
    """A service that was not there."""

    info: ServiceInfo


@attrs.frozen
class Updated:
    """A service that was there, under the same id, and told something else."""

    info: ServiceInfo


@attrs.frozen
class Removed:
    """A service that is there no more."""

    service_id: str


Event: TypeAlias = Added | Updated | Removed
State: TypeAlias = Mapping[str, "ServiceInfo"]  # by id
Looks: TypeAlias = (
    "AsyncGenerator[Sequence[ServiceInfo], None]"  # all that is there, again whenever it may differ
)


def changes(before: State, after: State) -> Iterator[Event]:
    """What makes `after` of `before`: who came or changed, as `after` has them; then who is gone."""
    for service_id, info in after.items():
        if service_id not in before:
            yield Added(info)
        elif before[service_id] != info:
            yield Updated(info)
    yield from (Removed(service_id) for service_id in before if service_id not in after)


async def polled(discovery: Discovery, service_type: str, poll_s: float = POLL_S) -> Looks:
    """Looks at a backend, each `poll_s` seconds after the one before."""
    while True:
        yield await discovery.discover(service_type)
        await asyncio.sleep(poll_s)


class Watches:
    """The watches of one backend. A loop begins with the first reader of a service type, ends with its last.

    `looks` gives for a service type what is there, the first time at once. One that raises is asked anew
    after `retry_s` seconds; meanwhile what was last seen holds.
    """

    def __init__(self, looks: Callable[[str], Looks], retry_s: float = POLL_S) -> None:
        self._looks = looks
        self._retry_s = retry_s
        self._running: dict[str, _Watch] = {}

    @asynccontextmanager
    async def reader(self, service_type: str) -> AsyncIterator[AsyncIterator[Event]]:
        """Who is there now, as Added, and then what changes.

        Raises, from the iterator:
            DiscoveryClosed: the backend was disconnected.
            ConfigError, DiscoveryMisconfigured: it can never be asked like that.
        """
        watch = self._running.get(service_type)
        if watch is None or watch.ended:
            watch = self._running[service_type] = _Watch(service_type, self._looks, self._retry_s)
        watch.readers += 1
        try:
            yield _Reader(watch)
        finally:
            watch.readers -= 1
            if not watch.readers:
                if self._running.get(service_type) is watch:
                    del self._running[service_type]
                await watch.stop()

    async def close(self, why: DiscoveryClosed) -> None:
        """End them all; their readers are told `why`."""
        watches, self._running = self._running, {}
        for watch in watches.values():
            watch.end(why)
            await watch.stop()


def watching(discovery: Discovery, service_type: str) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
    """`discovery.watch`, also of a backend that has none and must be polled."""
    watch: Callable[[str], AbstractAsyncContextManager[AsyncIterator[Event]]] | None
    watch = getattr(discovery, "watch", None)
    return watch(service_type) if watch else Watches(partial(polled, discovery)).reader(service_type)


class _Watch:
    """One service type: what is there, and the loop that knows."""

    def __init__(self, service_type: str, looks: Callable[[str], Looks], retry_s: float) -> None:
        self.readers = 0
        self.ended: Exception | None = None
        self._service_type = service_type
        self._looks = looks
        self._retry_s = retry_s
        self.state: State = {}
        self.changed = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def end(self, why: Exception) -> None:
        self.ended = why
        self._wake()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=STOP_WITHIN_S)

    async def _run(self) -> None:
        said = ""
        while True:
            try:
                async with aclosing(self._looks(self._service_type)) as looks:
                    async for found in looks:
                        said = ""
                        self._now({info.id: info for info in found})
            except (ConfigError, DiscoveryMisconfigured) as exc:
                return self.end(exc)
            except Exception as exc:  # whatever a backend raises: it may be well again soon
                if str(exc) != said:
                    log.warning("Watch of %s goes on with what it knew: %s", self._service_type, exc)
                said = str(exc)
            await asyncio.sleep(self._retry_s)

    def _now(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._wake()

    def _wake(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()


class _Reader:
    """The events of a watch for one who reads them; remembers what this one was told."""

    def __init__(self, watch: _Watch) -> None:
        self._watch = watch
        self._told: State = {}
        self._pending: Iterator[Event] = iter(())

    def __aiter__(self) -> _Reader:
        return self

    async def __anext__(self) -> Event:
        watch = self._watch
        while True:
            for event in self._pending:
                return event
            if watch.state is not self._told:
                self._pending, self._told = changes(self._told, watch.state), watch.state
            elif watch.ended:
                raise watch.ended
            else:
                await watch.changed.wait()
