"""A serving process that can be found by who pushes rows: registered while it serves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import attrs

from monolith.aio.bounded import bounded
from monolith.aio.loop_thread import LoopThread
from monolith.aio.unwind import Unwind
from monolith.core.address import Address
from monolith.core.errors import ConfigError, DiscoveryMisconfigured, MonolithError
from monolith.discovery.base import Discovery, ServiceInfo
from monolith.runner.heartbeat import END_WITHIN_MS, Heartbeat
from monolith.sync.follower import MODEL

log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Manners:
    """Times: budgets in milliseconds; `heartbeat_s` None gives no signs of life."""

    operation_ms: int = 5_000
    cleanup_ms: int = 200
    heartbeat_s: float | None = 10.0
    retry_s: float = 5.0  # between two tries to register


def replica_info(service_type: str, address: Address, model: str, index: int | None = None) -> ServiceInfo:
    """How a serving process of `model`, which can be reached at `address`, makes itself known.

    Without an `index` it has one of 48 bits that is made of its address: the same when it comes back there.
    """
    if index is None:
        index = int.from_bytes(blake2b(str(address).encode(), digest_size=6).digest())
    info = ServiceInfo.listed(service_type, index, address)
    return attrs.evolve(info, metadata={**info.metadata, MODEL: model, "allow_update": "true"})


async def be_found(discovery: Discovery, info: ServiceInfo, manners: Manners = Manners()) -> None:
    """Be registered until cancelled. What goes wrong is told once, and tried again: serving goes on."""
    said = ""
    while True:
        try:
            await _registered(discovery, info, manners)
        except (ConfigError, DiscoveryMisconfigured) as exc:
            log.warning("%s cannot be found by who pushes: %s", info.id, exc)
            return
        except MonolithError as exc:
            if str(exc) != said:
                log.warning("%s cannot be found yet by who pushes: %s; tried again", info.id, exc)
            said = str(exc)
        await asyncio.sleep(manners.retry_s)


async def _registered(discovery: Discovery, info: ServiceInfo, manners: Manners) -> None:
    async with Unwind(manners.cleanup_ms) as unwind:
        unwind.undo(f"disconnect {info.id}", discovery.disconnect)
        await bounded(f"connect {info.id}", discovery.connect, ms=manners.operation_ms)
        unwind.undo(f"deregister {info.id}", lambda: discovery.deregister(info.id))
        await bounded(f"register {info.id}", lambda: discovery.register(info), ms=manners.operation_ms)
        log.info("%s registered at %s", info.id, info.address)
        if manners.heartbeat_s:
            heartbeat = Heartbeat(lambda: discovery.heartbeat(info.id), manners.heartbeat_s)
            heartbeat.start()
            unwind.let_go(f"stop heartbeat of {info.id}", heartbeat.stop, ms=END_WITHIN_MS)
        await asyncio.Event().wait()


@contextmanager
def found(discovery: Discovery, info: ServiceInfo, manners: Manners) -> Iterator[None]:
    """Be found, from a thread beside this one, while what is inside runs."""
    beside = LoopThread("discovery")
    staying = beside.submit(_begun(discovery, info, manners)).result()
    try:
        yield
    finally:
        beside.submit(_ended(staying)).result()
        beside.close()


async def _begun(discovery: Discovery, info: ServiceInfo, manners: Manners) -> asyncio.Task[None]:
    return asyncio.create_task(be_found(discovery, info, manners))


async def _ended(staying: asyncio.Task[None]) -> None:
    staying.cancel()
    await asyncio.wait({staying})
