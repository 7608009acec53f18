"""Targets that come and go: serving processes that register where they can be found.

One that is gone is pushed to for a while still: it may only be starting again, and then goes on where it was.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial

import attrs

from monolith.aio.bounded import bounded
from monolith.config.sync_target import SyncTarget
from monolith.core.endpoint import Endpoint, parse_endpoint
from monolith.core.errors import ConfigError, DiscoveryMisconfigured, MonolithError
from monolith.discovery.base import Discovery, ServiceInfo
from monolith.discovery.watch import Event, Removed, watching
from monolith.sync.replicator import Replicator

MODEL = "model"  # key of a serving process's metadata
BACKEND = ""  # no service has this id
log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Quarry:
    """Whom to look for, and how patiently."""

    service_type: str = "serving"
    model_name: str = "default"  # who says that it serves another is left alone
    forget_s: float = 60.0  # after that, one that is gone is gone for good
    retry_s: float = 5.0  # between two tries to reach the backend
    operation_ms: int = 5_000
    cleanup_ms: int = 200


class Follower:
    """Tells `replicator` whom to push to, as `discovery` has it; on an event loop, from `start` to `stop`.

    While the backend is away, what it said last holds.
    """

    def __init__(self, discovery: Discovery, replicator: Replicator, quarry: Quarry) -> None:
        self._discovery = discovery
        self._replicator = replicator
        self._quarry = quarry
        self._there: dict[str, Endpoint] = {}  # by service id
        self._added: set[Endpoint] = set()  # by us, and not by who configured the replicator
        self._leaving: dict[Endpoint, asyncio.TimerHandle] = {}
        self._said: dict[str, str] = {}  # of whom, by service id, and of the backend
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="look for serving processes")

    async def stop(self) -> None:
        """Look no more. Unstarted is fine."""
        for timer in self._leaving.values():
            timer.cancel()
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except (ConfigError, DiscoveryMisconfigured) as exc:
                log.warning("ParameterSync cannot look for serving processes: %s", exc)
                return
            except Exception as exc:  # whatever a backend raises: it may be well again soon
                self._say(BACKEND, f"ParameterSync goes on with the targets it knows: {exc}")
            await asyncio.sleep(self._quarry.retry_s)

    async def _follow(self) -> None:
        quarry = self._quarry
        try:
            await bounded("connect parameter sync", self._discovery.connect, ms=quarry.operation_ms)
            await self._look_who_left()
            async with watching(self._discovery, quarry.service_type) as events:
                async for event in events:
                    self._heed(event)
        finally:
            await self._disconnect()

    async def _look_who_left(self) -> None:
        """A watch tells it of those only whom it has told of: not of whom a watch before it did."""
        look = partial(self._discovery.discover, self._quarry.service_type)
        found = await bounded("discover parameter sync", look, ms=self._quarry.operation_ms)
        self._said.pop(BACKEND, None)
        for service_id in (self._there.keys() | self._said.keys()) - {info.id for info in found}:
            self._gone(service_id)

    async def _disconnect(self) -> None:
        try:
            await bounded("disconnect parameter sync", self._discovery.disconnect, ms=self._quarry.cleanup_ms)
        except MonolithError as exc:
            log.info("Failed to disconnect parameter sync: %s", exc)

    def _heed(self, event: Event) -> None:
        if isinstance(event, Removed):
            self._gone(event.service_id)
            return
        endpoint, before = self._endpoint_of(event.info), self._there.get(event.info.id)
        if before is not None and before != endpoint:
            self._lost(event.info.id)
        if endpoint is not None:
            self._found(event.info.id, endpoint)

    def _endpoint_of(self, info: ServiceInfo) -> Endpoint | None:
        """Where to push to; None, and said, if nothing is to be pushed there."""
        serves, wanted = info.metadata.get(MODEL), self._quarry.model_name
        if serves not in (None, wanted):
            self._say(
                info.id, f"ParameterSync leaves {info.id} alone: it serves model {serves!r}, not {wanted!r}"
            )
            return None
        endpoint = parse_endpoint(info.address)
        if isinstance(endpoint, str):
            self._say(info.id, f"ParameterSync cannot push to {info.id} at {info.address!r}: {endpoint}")
            return None
        return endpoint

    def _found(self, service_id: str, endpoint: Endpoint) -> None:
        self._there[service_id] = endpoint
        if timer := self._leaving.pop(endpoint, None):
            timer.cancel()
        if self._replicator.add(SyncTarget(endpoint)):
            self._added.add(endpoint)
            log.info("ParameterSync pushes to %s, which is %s", endpoint, service_id)

    def _gone(self, service_id: str) -> None:
        self._said.pop(service_id, None)
        self._lost(service_id)

    def _lost(self, service_id: str) -> None:
        endpoint = self._there.pop(service_id, None)
        if endpoint in self._added and endpoint not in self._there.values():
            later = asyncio.get_running_loop().call_later
            self._leaving[endpoint] = later(self._quarry.forget_s, self._forget, endpoint)

    def _forget(self, endpoint: Endpoint) -> None:
        del self._leaving[endpoint]
        self._added.remove(endpoint)
        self._replicator.drop(endpoint)
        log.info("ParameterSync pushes to %s no more: it has gone", endpoint)

    def _say(self, of: str, sentence: str) -> None:
        if self._said.get(of) != sentence:
            self._said[of] = sentence
            log.warning(sentence)
