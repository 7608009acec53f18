"""`monolith discovery ls | watch | register | deregister`: who of a job is where."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

import attrs

from monolith.aio.bounded import bounded
from monolith.aio.stopped import stopped, unless_stopped
from monolith.aio.unwind import Unwind
from monolith.cli.command import Command, Report, Table, Ui
from monolith.config.checks import given
from monolith.config.job import Joining
from monolith.config.places import Looking
from monolith.config.settings import again, setting
from monolith.core.address import parse_address
from monolith.core.errors import DiscoveryMisconfigured, ServiceNotFound, Stopped
from monolith.discovery.base import Backend, Discovery, ServiceInfo, parse_index
from monolith.discovery.listening import who_answers
from monolith.discovery.named import roles_of
from monolith.discovery.watch import Added, Event, Removed, watching
from monolith.ps.together import together

T = TypeVar("T")


def _name_trouble(text: str | None) -> str | None:
    word, dash, index = (text or "").rpartition("-")
    return None if word and dash and parse_index(index) >= 0 else "must be a service's id, as ps-7"


@attrs.frozen(kw_only=True)
class LookSettings(Looking):
    """Whom to look for."""

    service_type: str | None = setting(
        None, "What they register as; default: both types of a job.", group="service", positional=True
    )

    @property
    def types(self) -> tuple[str, ...]:
        both = (self.discovery_service_type_ps, self.discovery_service_type_worker)
        return (self.service_type,) if self.service_type else both


@attrs.frozen(kw_only=True)
class NameSettings(Looking):
    """One service."""

    service: str | None = setting(
        None, "Its id, as ps-7.", group="service", positional=True, check=_name_trouble
    )

    @property
    def name(self) -> str:
        assert self.service is not None  # checked by the setting
        return self.service

    @property
    def service_type(self) -> str:
        """What it registers as: a role has a type, and any other word is one."""
        word = self.name.rpartition("-")[0]
        types = roles_of(self.discovery_service_type_ps, self.discovery_service_type_worker)
        return next((kind for kind, role in types.items() if role == word), word)


@attrs.frozen(kw_only=True)
class RegisterSettings(NameSettings):
    """One service, and where it is."""

    address: str | None = setting(None, "Its host:port.", group="service", positional=True, check=given)
    heartbeat_interval_secs: int = again(Joining, "heartbeat_interval_secs")

    @property
    def info(self) -> ServiceInfo:
        """It, as others will find it."""
        index = parse_index(self.name.rpartition("-")[2])
        host, port = parse_address(self.address or "", what="ADDRESS")
        told = {"addr": self.address or "", "index": str(index)}
        return ServiceInfo(self.name, self.name, self.service_type, host, port, told)


@attrs.frozen
class Session:
    """A connected backend."""

    discovery: Discovery
    unwind: Unwind
    within_ms: int

    async def ask(self, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        return await bounded(operation, call, ms=self.within_ms)

    async def look(self, types: Sequence[str]) -> list[ServiceInfo]:
        """All of `types`, by type, index and id."""
        found: list[ServiceInfo] = []
        for kind in types:
            there = await self.ask(f"discover {kind}", partial(self.discovery.discover, kind))
            found += sorted(there, key=lambda info: (info.index is None, info.index or 0, info.id))
        return found


@asynccontextmanager
async def connected(settings: Looking, ui: Ui) -> AsyncIterator[Session]:
    discovery = ui.find(settings)
    async with Unwind(settings.discovery_cleanup_timeout_ms) as unwind:
        session = Session(discovery, unwind, settings.discovery_operation_timeout_ms)
        unwind.undo(f"disconnect from {settings.kind}", discovery.disconnect)
        await session.ask(f"connect to {settings.kind}", discovery.connect)
        yield session


def ls(settings: LookSettings, ui: Ui) -> Report:
    """One line a service."""

    async def look() -> list[tuple[object, ...]]:
        async with connected(settings, ui) as session:
            found = await session.look(settings.types)
        there = await who_answers(found, ui.outside.listens)
        return [_row(info, ui.outside.clock(), listens) for info, listens in zip(found, there, strict=True)]

    columns = ("service", "type", "index", "address", "age_s", "health")
    rows = ui.outside.run(look())
    if not rows:
        ui.progress.say(f"no {' and no '.join(settings.types)} is registered in {settings.where}")
    return Report(title=f"services in {settings.where}", table=Table(columns, rows))


def _row(info: ServiceInfo, now: float, listens: bool) -> tuple[object, ...]:
    age_s = None if info.registered_at is None else max(0, round(now - info.registered_at))
    health = ("listens" if listens else "does not answer") if info.port else None  # port 0: it never does
    return (info.id, info.service_type, info.index, info.address, age_s, health)


def watch(settings: LookSettings, ui: Ui) -> Report:
    """A line a change, until told to stop."""
    told = 0

    async def read(discovery: Discovery, kind: str) -> None:
        nonlocal told
        async with watching(discovery, kind) as events:
            async for event in events:
                ui.tell(*_told(event, kind))
                told += 1

    async def play() -> None:
        async with connected(settings, ui) as session:
            readers = together(read(session.discovery, kind) for kind in settings.types)
            with suppress(Stopped):
                await unless_stopped(ui.stop, "watched enough", readers)

    ui.outside.run(play())
    return Report(title="watched", figures={"events": told})


def _told(event: Event, kind: str) -> tuple[str, dict[str, object]]:
    """For people, and for programs."""
    what = type(event).__name__.lower()
    if isinstance(event, Removed):
        return f"{what} {event.service_id}", {"event": what, "service": event.service_id, "type": kind}
    info = event.info
    where: dict[str, object] = {"type": kind, "index": info.index, "address": info.address}
    return f"{what} {info.id} at {info.address}", {"event": what, "service": info.id, **where}


def register(settings: RegisterSettings, ui: Ui) -> Report:
    """Register, give signs of life until told to stop, deregister."""
    from monolith.runner.heartbeat import Heartbeat  # brings all that a role needs

    info = settings.info

    async def play() -> None:
        async with connected(settings, ui) as session:
            discovery = session.discovery
            session.unwind.undo(f"deregister {info.id}", lambda: discovery.deregister(info.id))
            await session.ask(f"register {info.id}", lambda: discovery.register(info))
            ui.tell(*_told(Added(info), info.service_type))
            if settings.heartbeat_interval_secs:
                heartbeat = Heartbeat(lambda: discovery.heartbeat(info.id), settings.heartbeat_interval_secs)
                heartbeat.start()
                session.unwind.undo(f"stop heartbeat of {info.id}", heartbeat.stop)
            await stopped(ui.stop)

    ui.outside.run(play())
    return Report(title="deregistered", figures={"service": info.id})


def deregister(settings: NameSettings, ui: Ui) -> Report:
    """Take away what goes by that name, whoever registered it."""

    async def play() -> list[ServiceInfo]:
        async with connected(settings, ui) as session:
            discovery = session.discovery
            if not isinstance(discovery, Backend):
                raise DiscoveryMisconfigured(f"{settings.kind} lets only its owner take {settings.name} away")
            there = await session.look([settings.service_type])
            meant = [info for info in there if info.id == settings.name]
            if not meant:
                raise ServiceNotFound(settings.name)
            for info in meant:
                await session.ask(f"expel {info.id}", partial(discovery.expel, info))
            return meant

    gone = [(info.id, info.service_type, info.address) for info in ui.outside.run(play())]
    return Report(title="deregistered", table=Table(("service", "type", "address"), gone))


LS = Command(LookSettings, ls)
WATCH = Command(LookSettings, watch, graceful=True)
REGISTER = Command(RegisterSettings, register, graceful=True)
DEREGISTER = Command(NameSettings, deregister)
