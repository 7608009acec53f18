"""One parameter server: listen, be found, serve until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from monolith.aio.stopped import stopped
from monolith.config.job import PsSettings
from monolith.core.address import Address, parse_address
from monolith.core.names import Role, ServiceId
from monolith.core.progress import Silent
from monolith.core.stop import Stop
from monolith.discovery.base import Discovery, ServiceInfo
from monolith.ps.api import ShardStats
from monolith.ps.server import PsServer
from monolith.ps.shard import LocalShard
from monolith.runner.lifecycle import run
from monolith.table.warmup import EVERY_WAY, warm_up

GRACE_S = 5.0  # for calls that are being answered when the server is told to stop


async def run_ps(
    discovery: Discovery, settings: PsSettings, stop: Stop, ready: Callable[[str], None]
) -> ShardStats:
    """Serve shard `settings.index` until `stop` is asked; `ready` gets the address once it can be found."""
    # Before anyone can ask: compiling takes seconds on a new machine, and a call has a deadline.
    await asyncio.to_thread(warm_up, [EVERY_WAY], Silent())
    shard = LocalShard(settings.index, seed=settings.seed)
    server = PsServer(shard, settings.bind_addr, metrics_port=settings.metrics_port)
    address = advertised(await server.start(), settings.advertise_addr)
    me = ServiceInfo(
        service_id=str(ServiceId(Role.PS, settings.index)),
        service_type=settings.discovery_service_type_ps,
        index=settings.index,
        address=address,
    )

    async def play() -> ShardStats:
        ready(address)
        await stopped(stop)
        return await shard.stats()

    try:
        return await run(discovery, me, play, settings)
    finally:
        await asyncio.shield(server.stop(GRACE_S))


def advertised(bound: str, chosen: str | None) -> str:
    """The address that others are told: `chosen`, where port 0 is the bound one, or else where we listen."""
    if chosen is None:
        return bound
    host, port = parse_address(chosen, what="--advertise-addr")
    return str(Address(host, port or parse_address(bound).port))
